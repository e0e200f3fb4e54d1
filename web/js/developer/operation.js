/** One operation of the API: what it takes, what it answers, and how to ask for it by hand. */
import { element } from "../element.js";
import { code } from "./code.js";
import { nameOf, sample, shape } from "./schema.js";
/** @import { Words } from "../i18n.js" */
/** @import { Content, OpenApi, Operation } from "./types.js" */

const JSON_TYPE = "application/json";

export class OperationView {
  node;
  id;
  #text;
  #words;
  #whole;

  /**
   * @param {Words} words @param {OpenApi} whole
   * @param {{method: string, path: string, operation: Operation}} what
   */
  constructor(words, whole, { method, path, operation }) {
    this.#words = words;
    this.#whole = whole;
    this.id = operation.operationId;
    this.#text = `${method} ${path} ${operation.summary} ${operation.operationId}`.toLowerCase();
    const verb = element("b", { class: "verb", "data-method": method }, method.toUpperCase());
    const where = element("code", {}, ...breakable(path));
    const title = element("span", { class: "says", lang: "en" }, operation.summary);
    this.node = element("details", { class: "operation", id: this.id }, element("summary", {}, verb, where, title));
    // Made when somebody looks: the whole document is a thousand elements.
    this.node.addEventListener("toggle", () => this.#fill(method, path, operation), { once: true });
  }

  /** @param {string} wanted in small letters */
  matches(wanted) {
    return this.#text.includes(wanted);
  }

  /** @param {string} method @param {string} path @param {Operation} operation */
  #fill(method, path, operation) {
    const words = this.#words;
    const body = element("div", { class: "body" });
    body.append(element("p", { class: "needs" }, words.text("docs.needs"), " ", this.#needs(operation)));
    if (operation.parameters.length > 0) body.append(this.#heading("docs.parameters"), this.#parameters(operation));
    if (operation.requestBody) body.append(this.#heading("docs.body"), this.#content(operation.requestBody));
    body.append(this.#heading("docs.answers"));
    for (const [status, answer] of Object.entries(operation.responses)) body.append(this.#answer(status, answer));
    body.append(this.#heading("docs.example"), code(words, this.#curl(method, path, operation), `${words.text("docs.example")}: ${this.id}`));
    this.node.append(body);
  }

  /** @param {string} key */
  #heading(key) {
    return element("h3", {}, this.#words.text(key));
  }

  /** Who may ask, from the security requirements: an empty one is anybody. @param {Operation} operation */
  #needs({ security, description }) {
    const names = security.flatMap((one) => Object.keys(one));
    if (names.length === 0) return this.#words.text("docs.needs.nothing");
    const open = security.some((one) => Object.keys(one).length === 0);
    const list = element("span", { lang: "en" }, ...joined(names.map((name) => element("code", {}, name)), ", "));
    const role = element("span", { lang: "en" }, ` ${description}`);
    return element("span", {}, ...(open ? [this.#words.text("docs.needs.site"), " "] : []), list, ".", role);
  }

  /** @param {Operation} operation */
  #parameters({ parameters }) {
    const list = element("dl", { class: "terms" });
    for (const { name, in: place, required, schema } of parameters) {
      const about = [place, ...(required ? [this.#words.text("docs.required")] : [])].join(", ");
      list.append(
        element("dt", {}, element("code", {}, name), element("small", {}, about)),
        element("dd", {}, shape(this.#whole, schema)),
      );
    }
    return list;
  }

  /** @param {string} status @param {Content} answer */
  #answer(status, answer) {
    const name = status === "default" ? this.#words.text("docs.otherwise") : status;
    const line = element("p", { class: "status" }, element("b", {}, name));
    // Every operation refuses in the same way; the page says once how.
    const schema = Object.values(answer.content ?? {})[0]?.schema;
    const said = status === "default" && schema ? element("em", {}, nameOf(schema)) : this.#content(answer);
    return element("div", { class: "answer" }, line, said);
  }

  /** @param {Content} content */
  #content({ content = {} }) {
    const parts = Object.entries(content).map(([type, { schema }]) => {
      const line = element("div", { class: "type" }, element("code", {}, type));
      if (schema) line.append(shape(this.#whole, schema));
      return line;
    });
    return element("div", {}, ...(parts.length > 0 ? parts : [this.#words.text("docs.empty")]));
  }

  /** A request for the command line; variables stand for what the reader knows. @param {string} method @param {string} path @param {Operation} operation */
  #curl(method, path, { parameters, requestBody, security }) {
    const asked = parameters.filter((one) => one.in === "query" && one.required).map(({ name }) => `${name}=$${name}`);
    const query = asked.length > 0 ? `?${asked.join("&")}` : "";
    const where = path.replace(/\{(\w+)\}/g, "$$$1");
    const lines = [`curl ${method === "get" ? "" : `-X ${method.toUpperCase()} `}"${location.origin}${where}${query}"`];
    if (security.some((one) => "staffToken" in one)) {
      const key = security.some((one) => "ticket" in one) ? "TICKET" : "STAFF_TOKEN";
      lines.push(`-H "Authorization: Bearer $${key}"`);
    }
    const [type, body] = Object.entries(requestBody?.content ?? {})[0] ?? [];
    if (type === JSON_TYPE) lines.push(`-H 'Content-Type: ${type}'`, `-d '${sample(this.#whole, body?.schema)}'`);
    else if (type) lines.push(`-H 'Content-Type: ${type}'`, "--data-binary @offer.sdp");
    return lines.join(" \\\n  ");
  }
}

/** A path that may break after a slash. @param {string} path @returns {Node[]} */
function breakable(path) {
  return path.split(/(?<=\/)/).flatMap((piece) => [document.createTextNode(piece), element("wbr")]);
}

/** @param {Node[]} nodes @param {string} between @returns {(Node|string)[]} */
function joined(nodes, between) {
  return nodes.flatMap((node, number) => (number === 0 ? [node] : [between, node]));
}
