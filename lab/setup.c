/* AT commands before the module is wired. See setup.h. */
#include "setup.h"

#include <string.h>

static void fail(setup_t *setup, const char *what)
{
    snprintf(setup->error, sizeof setup->error, "line %u: %s", setup->number, what);
    setup->over = true;
}

/* The next command of the file, into `in`. */
static void next_command(setup_t *setup)
{
    char *line = (char *)setup->port.in;
    while (!setup->over && fgets(line, SETUP_LINE_MAX, setup->file)) {
        size_t length = strcspn(line, "\r\n");
        setup->number++;
        if (length == 0 || line[0] == '#') continue;
        if (length == SETUP_LINE_MAX - 1) {
            fail(setup, "it is too long");
            return;
        }
        setup->port.in[length] = '\r';
        setup->port.in[length + 1] = '\n';
        setup->port.in_first = 0;
        setup->port.in_end = length + 2;
        setup->asked = true;
        return;
    }
    setup->over = true;
}

static size_t ready(port_t *port, cipmux_phase_t phase, size_t collecting)
{
    setup_t *setup = (setup_t *)port;
    (void)collecting;
    if (phase != CIPMUX_PHASE_COMMAND) return 0;
    if (!setup->asked && !setup->over) next_command(setup);
    return port->in_end - port->in_first;
}

static void end_line(setup_t *setup)
{
    setup->answer[setup->length] = '\0';
    setup->length = 0;
    if (strcmp(setup->answer, "OK") == 0) {
        setup->asked = false;
        board_wake(setup->port.board);
    } else if (strcmp(setup->answer, "ERROR") == 0 || strcmp(setup->answer, "FAIL") == 0) {
        fail(setup, "the modem refuses it");
    }
}

static void flush(port_t *port)
{
    setup_t *setup = (setup_t *)port;
    for (; port->out_first < port->out_end; port->out_first++) {
        char byte = (char)port->out[port->out_first];
        if (byte == '\n')
            end_line(setup);
        else if (byte != '\r' && setup->length < SETUP_ANSWER_MAX - 1)
            setup->answer[setup->length++] = byte;
    }
    port_drop_out(port);
}

static void nothing(port_t *port)
{
    (void)port;
}

bool setup_open(setup_t *setup, const char *file)
{
    static const port_kind_t kind = { .flush = flush, .resume = nothing, .ready = ready, .close = nothing };
    *setup = (setup_t){ .port = { .kind = &kind, .open = true }, .file = fopen(file, "r") };
    return setup->file != NULL;
}

void setup_close(setup_t *setup)
{
    if (setup->file) fclose(setup->file);
    setup->file = NULL;
}
