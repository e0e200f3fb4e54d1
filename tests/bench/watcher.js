// Runs in the page: play once, tell how long the first decoded frame took, keep the connection.
async ({ whep, ws, stream, way }) => {
  const connection = new RTCPeerConnection();
  connection.addTransceiver("video", { direction: "recvonly" });
  const video = document.createElement("video");
  Object.assign(video, { muted: true, autoplay: true, playsInline: true });
  document.body.append(video);
  connection.ontrack = (event) => { video.srcObject = event.streams[0]; };
  await connection.setLocalDescription(await connection.createOffer());
  const sdp = connection.localDescription.sdp;

  const overWhep = async () => {
    const headers = { "Content-Type": "application/sdp" };
    const answer = await fetch(whep, { method: "POST", body: sdp, headers });
    if (!answer.ok) throw new Error(`WHEP: ${answer.status} ${await answer.text()}`);
    return answer.text();
  };
  const overSignalling = () => new Promise((resolve, reject) => {
    const socket = window.socket = new WebSocket(ws);
    const id = crypto.randomUUID ? crypto.randomUUID() : String(Math.random());
    const say = (message, data) => socket.send(JSON.stringify({ message, data: [data] }));
    socket.onerror = () => reject(new Error("no signalling"));
    socket.onopen = () => say("connection", { appKey: "bench", mediaProviders: ["WebRTC"] });
    socket.onmessage = ({ data }) => {
      const { message, data: said } = JSON.parse(data);
      if (message === "ping") say("pong", null);
      if (message === "getUserData") {
        say("playStream", { mediaSessionId: id, name: stream, sdp, hasVideo: true });
      }
      if (message === "setRemoteSDP") resolve(said[1]);
      if (message === "notifyStreamStatusEvent" && said[0].status === "FAILED") {
        reject(new Error(said[0].info));
      }
    };
  });

  const began = performance.now();
  let answer = await (whep ? overWhep() : overSignalling());
  if (way) answer = await window.way(answer);
  const shown = new Promise((resolve) => {
    video.requestVideoFrameCallback(resolve);
    video.onloadeddata = resolve;
  });
  await connection.setRemoteDescription({ type: "answer", sdp: answer });
  await shown;
  const took = performance.now() - began;
  window.playing = { connection, video };
  return took;
}
