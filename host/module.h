/* The host's end of a serial line to a module: a real one, or another cipmux. Blocking, with deadlines. */
#ifndef HOST_MODULE_H
#define HOST_MODULE_H

#include "writer.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct {
    int            fd;   /* -1: closed */
    pid_t          own;  /* the modem's process, if it is one of ours; else 0 */
    bool           tty;  /* it has a rate */
    bool           gone; /* the line was hung up: nothing comes any more */
    writer_bytes_t got;  /* what came and was not accounted for yet */
} module_t;

/* What --module takes, for a usage line. */
#define MODULE_WHERE "DEVICE[,BAUD]|[tcp:]HOST:PORT|unix:PATH"

/* Opens what MODULE_WHERE says. False: errno says why not. */
bool module_open(module_t *module, const char *where);
/* Starts this program again with these options, NULL behind the last, as the module. False: errno. */
bool module_start(module_t *module, const char *const *options);
/* Closes it and ends a process of ours. */
void module_close(module_t *module);
/* The rate of its line. False: it has none, or cannot have that one. */
bool module_set_rate(module_t *module, uint32_t baud);

uint64_t module_now_ms(void);
/* Waits for bytes until then at most, once; true as soon as some came. */
bool module_hear(module_t *module, uint64_t until_ms);
/* Reads until nothing came for so long. */
void module_settle(module_t *module, uint32_t quiet_ms);
void module_type(module_t *module, const void *bytes, size_t n);
/* Reads until one of n texts stands in what came. Its end, and in *which (or NULL) its index; 0: none came in time. */
size_t module_await(module_t *module, const char *const *texts, size_t n, uint32_t limit_ms, size_t *which);

#endif
