/** What a web developer pastes: the cameras, and the lines that sign a ticket. */
/** @import { EmbedFacts } from "./types.js" */

/**
 * The code for a page; `TICKET` stands where the page puts its visitor's ticket.
 * @param {EmbedFacts} facts @param {string} address the gateway's @param {string} camera @param {string} title
 */
export function snippets({ site, access }, address, camera, title) {
  const ticket = access === "ticket" ? ' ticket="TICKET"' : "";
  const script = `<script type="module" src="${address}/assets/player.js"></script>`;
  const fragment = access === "ticket" ? "#ticket=TICKET" : "";
  return {
    wall: `${script}\n<camera-wall site="${site}"${ticket}></camera-wall>`,
    player: `${script}\n<camera-player site="${site}" camera="${camera}"${ticket}></camera-player>`,
    frame: [
      `<iframe src="${address}/embed/${site}${fragment}" title="${title}"`,
      '        width="100%" height="640" style="border: 0"',
      '        allow="autoplay; fullscreen; picture-in-picture; local-network; local-network-access"></iframe>',
    ].join("\n"),
  };
}

/** The security policy of a page that holds the elements. @param {string} address */
export function policy(address) {
  return `Content-Security-Policy: script-src 'self' ${address}; connect-src 'self' ${address}`;
}

/** Five lines that sign a ticket on the website's server. @param {string} site */
export function minting(site) {
  const lines = {
    PHP: [
      "$b64 = fn($s) => rtrim(strtr(base64_encode($s), '+/', '-_'), '=');",
      "$claims = ['sites' => ['SITE'], 'sub' => 'flat-42', 'iat' => time(), 'exp' => time() + 300,",
      "    'watch_until' => time() + 3600];",
      "$body = $b64('{\"alg\":\"HS256\",\"typ\":\"JWT\"}') . '.' . $b64(json_encode($claims));",
      "$ticket = $body . '.' . $b64(hash_hmac('sha256', $body, getenv('TICKET_SECRET'), true));",
    ],
    Python: [
      "import os, time, jwt  # pip install pyjwt",
      "now = int(time.time())",
      'claims = {"sites": ["SITE"], "sub": "flat-42", "iat": now, "exp": now + 300,',
      '          "watch_until": now + 3600}',
      'ticket = jwt.encode(claims, os.environ["TICKET_SECRET"], algorithm="HS256")',
    ],
    Node: [
      'const { createHmac } = require("node:crypto");',
      'const [now, b64] = [Math.floor(Date.now() / 1000), (text) => Buffer.from(text).toString("base64url")];',
      'const claims = { sites: ["SITE"], sub: "flat-42", iat: now, exp: now + 300, watch_until: now + 3600 };',
      "const body = b64('{\"alg\":\"HS256\",\"typ\":\"JWT\"}') + \".\" + b64(JSON.stringify(claims));",
      'const ticket = body + "." + createHmac("sha256", process.env.TICKET_SECRET).update(body).digest("base64url");',
    ],
  };
  const named = Object.entries(lines).map(([name, text]) => [name, text.join("\n").replaceAll("SITE", site)]);
  return /** @type {Record<keyof typeof lines, string>} */ (Object.fromEntries(named));
}
