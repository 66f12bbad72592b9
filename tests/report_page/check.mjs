// Looks at a report in headless Chromium: `node check.mjs report.html pictures/`.
// Exits with 1 and a line for each thing that is wrong.
import { createRequire } from "node:module";
import { existsSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import puppeteer from "puppeteer-core";

const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const browsers = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const executablePath = browsers.find((path) => path && existsSync(path));
if (!executablePath) {
  console.error("Chromium is missing: install it (Debian: apt install chromium), or name it in $CHROMIUM.");
  process.exit(1);
}
const [report, pictures] = process.argv.slice(2).map((path) => resolve(path));
const address = pathToFileURL(report).href;
const views = [
  { name: "desktop", width: 1200, scheme: "light" },
  { name: "desktop-dark", width: 1200, scheme: "dark" },
  { name: "tablet", width: 920, scheme: "light" },
  { name: "phone", width: 360, scheme: "light" },
  { name: "phone-dark", width: 360, scheme: "dark" },
];
const wrong = [];
mkdirSync(pictures, { recursive: true });
const browser = await puppeteer.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"], protocolTimeout: 600_000 });
try {
  for (const view of views) {
    const page = await browser.newPage();
    const say = (text) => wrong.push(`${view.name}: ${text}`);
    // a page on its own asks for nothing but itself
    page.on("request", (request) => request.url() === address || say(`asks for ${request.url().slice(0, 100)}`));
    page.on("console", (message) => message.type() === "error" && say(`console: ${message.text()}`));
    await page.setViewport({ width: view.width, height: 900, isMobile: view.width < 500 });
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: view.scheme }]);
    await page.goto(address);
    await page.screenshot({ path: join(pictures, `${view.name}.png`), fullPage: true, captureBeyondViewport: true });
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    if (width > view.width) say(`is ${width} pixels wide, the screen ${view.width}`);
    // axe is put into the page by the debugger, which the page's own policy does not bind
    await page.setBypassCSP(true);
    await page.reload();
    await page.addScriptTag({ path: axe });
    const found = await page.evaluate(() =>
      globalThis.axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }),
    );
    for (const rule of found.violations) {
      const where = rule.nodes.slice(0, 3).map((node) => node.target.join(" ")).join("; ");
      say(`${rule.id} (${rule.impact}): ${rule.help}; ${rule.nodes.length} times: ${where}`);
    }
    console.log(`${view.name}: ${found.passes.length} rules of axe passed, ${found.violations.length} violated`);
    await page.close();
  }
  const page = await browser.newPage();
  await page.setJavaScriptEnabled(false);
  await page.goto(address);
  await page.emulateMediaType("print");
  await page.screenshot({ path: join(pictures, "print.png"), fullPage: true, captureBeyondViewport: true });
  await page.pdf({ path: join(pictures, "print.pdf"), format: "A4" });
} finally {
  await browser.close();
}
for (const line of wrong) console.error(line);
console.log(`${views.length} views, ${wrong.length} things wrong; pictures are in ${pictures}`);
process.exit(wrong.length ? 1 : 0);
