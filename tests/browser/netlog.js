/* Reads Chromium's network log (--log-net-log): its connections to a server, with their local ports, and the requests
 * that went over each. */
"use strict";
const fs = require("node:fs");

/* Names of the numbers in the log. */
function names(table) {
    return new Map(Object.entries(table).map(([name, number]) => [number, name]));
}

function readEvents(file) {
    const { constants, events } = JSON.parse(fs.readFileSync(file, "utf8"));
    const [types, phases] = [constants.logEventTypes, constants.logEventPhase].map(names);
    const read = events.map(({ type, phase, source, time, params = {} }) => ({
        name: types.get(type), phase: phases.get(phase), id: source.id, seconds: Number(time) / 1000,
        params, to: params.source_dependency?.id,
    }));
    return { version: constants.clientInfo.version, events: read };
}

/* { browser, connections, repeats }: the browser's version; its connections to the server of `url` in the order in which
 * they were made, each { port, begin, paths }; how often the browser by itself sent a request again.
 * `paths` has the requests of a connection: none if it was made ahead of need. A connection that was reset at once has
 * no known port and is not among them. Times in seconds, on the clock of the DevTools events. */
function readNetworkLog(file, url) {
    const { origin, host } = new URL(url);
    const { version, events } = readEvents(file);
    const sockets = new Map(), jobs = new Map(), requests = new Map();
    for (const { name, phase, id, seconds, params, to } of events) {
        if (name === "TCP_CONNECT" && phase === "PHASE_END" && params.remote_address === host)
            sockets.set(id, { port: Number(params.local_address.split(":").pop()), begin: seconds, paths: [] });
        else if (name === "URL_REQUEST_START_JOB" && params.url?.startsWith(origin))
            requests.set(id, { path: params.url.slice(origin.length), sent: 0 });
        else if (name === "SOCKET_POOL_BOUND_TO_SOCKET")
            jobs.set(id, to);
        else if (name === "HTTP_STREAM_REQUEST_BOUND_TO_JOB" && requests.has(id)) {
            requests.get(id).sent++;
            sockets.get(jobs.get(to))?.paths.push(requests.get(id).path);
        }
    }
    const repeats = [...requests.values()].reduce((sum, { sent }) => sum + Math.max(sent - 1, 0), 0);
    return { browser: version, connections: [...sockets.values()], repeats };
}

module.exports = { readNetworkLog };
