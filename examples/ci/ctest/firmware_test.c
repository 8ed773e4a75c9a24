/* Stands for the test of a firmware: says each argument to the modem at $CIPMUX_TTY and wants OK for it. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Reads up to "OK" or "ERROR" at the end of a line. 1: it was OK. */
static int answer(int tty)
{
    char   text[1024];
    size_t n = 0;
    while (n < sizeof text - 1 && read(tty, text + n, 1) == 1) {
        text[++n] = '\0';
        if (strstr(text, "\r\nOK\r\n")) return 1;
        if (strstr(text, "ERROR\r\n")) return 0;
    }
    return 0;
}

int main(int argc, char **argv)
{
    const char *path = getenv("CIPMUX_TTY");
    int         tty = path ? open(path, O_RDWR | O_NOCTTY) : -1;
    if (tty < 0) {
        perror(path ? path : "CIPMUX_TTY");
        return 2;
    }
    for (int i = 1; i < argc; i++) {
        char line[256];
        int  length = snprintf(line, sizeof line, "%s\r\n", argv[i]);
        if (write(tty, line, (size_t)length) != length || !answer(tty)) {
            fprintf(stderr, "%s: no OK\n", argv[i]);
            return 1;
        }
    }
    return 0;
}
