/* What page_server.c serves. */
#ifndef PAGES_H
#define PAGES_H

#include <stdio.h>

enum { NUMBERS = 25000, LINE = 8 }; /* "0000000\n" to "0024999\n" */
static char numbers[NUMBERS * LINE + 1];

static const struct page {
    const char *request, *type, *text;
} pages[] = {
    { "GET / ", "text/html",
      "<!doctype html><title>cipdrv</title><link rel=stylesheet href=style.css><h1>It works</h1><p id=status></p>\n"
      "<img src=picture.svg><a href=numbers.txt>200,000 bytes</a><script src=script.js></script>\n" },
    { "GET /style.css ", "text/css", "body { font-family: sans-serif; margin: 3em; background: #eef }\n" },
    { "GET /script.js ", "text/javascript",
      "fetch('status.json').then(r => r.text()).then(t => document.getElementById('status').textContent = t)\n" },
    { "GET /picture.svg ", "image/svg+xml",
      "<svg xmlns='http://www.w3.org/2000/svg'><circle r='99' fill='teal'/></svg>\n" },
    { "GET /status.json ", "application/json", "{ \"link\": %d, \"served\": %u }\n" },
    { "GET /numbers.txt ", "text/plain", numbers },
    { "", "text/plain", "not found\n" },
};

static void write_numbers(void)
{
    for (size_t i = 0; i < NUMBERS; i++)
        sprintf(numbers + i * LINE, "%07zu\n", i);
}

#endif
