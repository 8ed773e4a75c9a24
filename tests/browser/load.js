/* Loads a page in Chromium as a person would, and writes down what each request met.
 *
 * Usage: node load.js [--retry=reload|missing] [--pause=MS] [--tries=N] [--limit=SECONDS] URL OUT
 *
 * Chromium itself repeats no request that was reset on a new connection: the picture or script is missing until somebody
 * asks again. So this program does. --retry=reload (default): the reload button. --retry=missing: it puts in the elements
 * that are missing anew, as a script of the page could. MS (1000) after it saw that something is missing, at most N
 * times (20).
 *
 * OUT.json gets the browser's own record: its DevTools events (requests, outcomes) and its network log (connections with
 * their local ports, and which request went over which). OUT.png is the page at the end.
 * Exit status: 0 the page is complete, 1 it is not, 2 the browser does not start or fails, 4 time limit. */
"use strict";
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { parseArgs } = require("node:util");
const { chromium } = findPlaywright();
const { readNetworkLog } = require("./netlog.js");

function findPlaywright() {
    try {
        return require("playwright-core");
    } catch (error) {
        console.error(`load: ${error.message.split("\n")[0]}. Get it with: npm ci --prefix tests/browser`);
        process.exit(2);
    }
}

const CHROMIUM = "/usr/bin/chromium";
const FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
];
const START_LIMIT_MS = 60000, PAGE_LIMIT_MS = 10000;
const PARTS = new Set(["Document", "Stylesheet", "Script", "Image"]); // what makes a page complete

/* The requests of a page, from its DevTools events: each with its URL, type, times in seconds and outcome; `cached` if it
 * was answered from the browser's cache. */
class Requests {
    constructor() {
        this.all = new Map();
        this.waiting = [];
    }

    watch(devtools) {
        devtools.on("Network.requestWillBeSent", ({ requestId, request, type, timestamp }) => {
            if (/^http/.test(request.url)) // the browser's own error page has pictures too
                this.all.set(requestId, { url: request.url, type, begin: timestamp });
        });
        devtools.on("Network.responseReceived", ({ requestId, response }) => {
            this.change(requestId, { status: response.status, ...response.fromDiskCache && { cached: true } });
        });
        devtools.on("Network.requestServedFromCache", ({ requestId }) => {
            this.change(requestId, { cached: true });
        });
        devtools.on("Network.loadingFinished", ({ requestId, timestamp }) => {
            this.change(requestId, { end: timestamp });
        });
        devtools.on("Network.loadingFailed", ({ requestId, timestamp, errorText, canceled }) => {
            if (canceled) this.all.delete(requestId); // the reload took it back
            this.change(requestId, { end: timestamp, error: errorText });
        });
        return devtools.send("Network.enable");
    }

    change(id, news) {
        Object.assign(this.all.get(id) ?? {}, news);
        if (this.open().length === 0) this.waiting.splice(0).forEach((done) => done());
    }

    /* Parts of the page that are under way. */
    open() {
        return [...this.all.values()].filter(({ type, end }) => PARTS.has(type) && end === undefined);
    }

    settled() {
        return this.open().length === 0 ? Promise.resolve() : new Promise((done) => {
            this.waiting.push(done);
            setTimeout(done, PAGE_LIMIT_MS).unref();
        });
    }

    /* Parts of the page whose last request failed, or has not ended. */
    missing() {
        const last = new Map([...this.all.values()].filter(({ type }) => PARTS.has(type)).map((one) => [one.url, one]));
        return [...last.values()].filter(({ error, end }) => error !== undefined || end === undefined);
    }
}

/* Runs in the page: puts the elements of these URLs in anew, which makes the browser ask again, and waits for them. */
function putInAnew(urls) {
    const all = [...document.querySelectorAll("link[rel=stylesheet], script[src], img")];
    return Promise.all(all.filter((old) => urls.includes(old.src || old.href)).map((old) => new Promise((done) => {
        const fresh = document.createElement(old.tagName); // a clone of a script would not run
        for (const { name, value } of old.attributes) fresh.setAttribute(name, value);
        fresh.onload = fresh.onerror = () => done();
        old.replaceWith(fresh);
    })));
}

async function open(go) {
    try {
        await go();
    } catch (error) {
        // A failed page is in the record. After it the browser shows one of its own, and may try again by itself.
        if (!/net::ERR_|interrupted by another navigation|Timeout/.test(error.message)) throw error;
    }
}

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/* Runs in the page: what its script has fetched and shows, once it does. */
function shownValue() {
    const { textContent } = document.getElementById("volts");
    return /\d/.test(textContent) && textContent;
}

/* How many times it had to ask again, and whether the page is complete. */
async function load(page, requests, url, { retry, tries, pause: ms }) {
    await open(() => page.goto(url));
    let retries = 0;
    for (;; retries++) {
        await requests.settled();
        const missing = requests.missing();
        if (missing.length === 0 || retries === Number(tries)) return { retries, missing: missing.map(({ url }) => url) };
        await pause(Number(ms));
        if (missing.some(({ type }) => type === "Document")) await open(() => page.goto(url));
        else if (retry === "reload") await open(() => page.reload());
        else await page.evaluate(putInAnew, missing.map(({ url }) => url));
    }
}

/* Loads the page with a browser that has never been anywhere. Returns the record. */
async function visit(folder, url, out, options) {
    const log = path.join(folder, "network.json");
    const browser = await chromium.launchPersistentContext(path.join(folder, "profile"), {
        executablePath: CHROMIUM, headless: true, timeout: START_LIMIT_MS, args: [...FLAGS, `--log-net-log=${log}`],
    });
    let late = false;
    const limit = setTimeout(() => {
        late = true;
        browser.close();
    }, Number(options.limit) * 1000);
    try {
        const page = browser.pages()[0], requests = new Requests();
        page.setDefaultNavigationTimeout(PAGE_LIMIT_MS);
        await requests.watch(await browser.newCDPSession(page));
        const { retries, missing } = await load(page, requests, url, options);
        const value = missing.length === 0 && await (await page.waitForFunction(shownValue)).jsonValue();
        await page.screenshot({ path: `${out}.png` });
        const record = { url, retry: options.retry, retries, missing, value, requests: [...requests.all.values()] };
        await browser.close(); // ends the network log
        return { ...record, ...readNetworkLog(log, url) };
    } catch (error) {
        throw late ? Object.assign(new Error(`not done after ${options.limit} s`), { status: 4 }) : error;
    } finally {
        clearTimeout(limit);
        await browser.close();
    }
}

async function main() {
    if (!fs.existsSync(CHROMIUM)) throw new Error(`${CHROMIUM} is missing. Get it with: tools/dependencies browser`);
    const { values: options, positionals: [url, out] } = parseArgs({
        allowPositionals: true,
        options: {
            retry: { type: "string", default: "reload" }, pause: { type: "string", default: "1000" },
            tries: { type: "string", default: "20" }, limit: { type: "string", default: "60" },
        },
    });
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "cipmux-browser-"));
    try {
        const record = await visit(folder, url, out, options);
        fs.writeFileSync(`${out}.json`, JSON.stringify(record, null, 1) + "\n");
        process.exitCode = record.missing.length ? 1 : 0;
    } finally {
        fs.rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
    }
}

main().catch((error) => {
    console.error(`load: ${error.message}`);
    process.exitCode = error.status ?? 2;
});
