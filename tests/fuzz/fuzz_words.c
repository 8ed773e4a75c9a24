/* Fuzz target of the language of words and of the world behind it: each line of the input is said to a world with a modem
 * in it, or, when it begins with '>', typed; in between time passes. A line is taken, or an error names its column; what a
 * fault says later may be wrong too. */
#include "promise.h"
#include "world.h"

#include <string.h>

typedef struct {
    cipmux_config_t config;
    cipmux_t        modem;
    world_t         world;
    uint64_t        now_us;
} desk_t;

static void settle(desk_t *d)
{
    cipmux_request_t request;
    cipmux_note_t    note;
    uint8_t          out[256];
    for (int rounds = 0; rounds < 200; rounds++) {
        bool moved = false;
        while (cipmux_request(&d->modem, d->now_us, &request)) {
            world_request(&d->world, d->now_us, &request);
            moved = true;
        }
        moved |= world_offer(&d->world, d->now_us);
        while (cipmux_note(&d->modem, &note))
            continue;
        for (size_t n; !d->world.uart_stopped && (n = world_read(&d->world, d->now_us, out, sizeof out)) > 0;) {
            PROMISE(n <= sizeof out);
            moved = true;
        }
        if (cipmux_deadline(&d->modem) <= d->now_us) cipmux_tick(&d->modem, d->now_us);
        if (!moved) return;
    }
}

/* At most so long, from one thing that happens to the next. */
static void pass(desk_t *d, uint64_t us)
{
    const uint64_t until_us = d->now_us + us;
    for (int i = 0; i < 50 && d->now_us < until_us; i++) {
        uint64_t modem_us = cipmux_deadline(&d->modem), world_us = world_deadline(&d->world, d->now_us);
        uint64_t due_us = modem_us < world_us ? modem_us : world_us;
        d->now_us = due_us > d->now_us && due_us < until_us ? due_us : until_us;
        cipmux_tick(&d->modem, d->now_us);
        settle(d);
    }
}

static void say(desk_t *d, const char *line)
{
    char     error[200];
    unsigned column = 0;
    if (world_say(&d->world, d->now_us, line, error, sizeof error)) {
        PROMISE(error[0] == '\0');
    } else {
        PROMISE(sscanf(error, "column %u: ", &column) == 1);
        PROMISE(column >= 1 && column <= strlen(line) + 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static desk_t d;
    if (size == 0) return 0;
    d.now_us = 1000000;
    PROMISE(cipmux_config(&d.config, cipmux_dialect_name(data[0] % 4)));
    cipmux_power_on(&d.modem, &d.config, d.now_us);
    world_init(&d.world, &d.modem);
    settle(&d);
    pass(&d, 1000000);
    for (size_t at = 1; at < size;) {
        const uint8_t *end = memchr(data + at, '\n', size - at);
        size_t         n = end != NULL ? (size_t)(end - data) - at : size - at;
        char           line[2048];
        if (n > sizeof line - 3) n = sizeof line - 3;
        memcpy(line, data + at, n);
        line[n] = '\0';
        at += n + 1;
        if (line[0] == '>') {
            memcpy(line + n, "\r\n", 3);
            world_type(&d.world, d.now_us, line + 1, n + 1);
        } else if (strlen(line) == n) {
            say(&d, line);
        }
        settle(&d);
        pass(&d, 300000);
    }
    pass(&d, 100000000);
    return 0;
}
