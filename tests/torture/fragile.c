/* fragile PORT: joins, dials 10.0.2.2:PORT, sends "hello" and wants it back. A client as they are written in an evening, for
 * the test of `cipmux torture`. Four bugs are planted, 1 to 4. */
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int  line_fd;
static char text[80];

/* The next line, "" after so long; -1: for ever. */
static const char *next_line(int ms)
{
    char   byte = 0;
    size_t n = 0;
    while (byte != '\n' && !(byte == '>' && n == 1)) {
        if (poll(&(struct pollfd){ .fd = line_fd, .events = POLLIN }, 1, ms) != 1) return "";
        if (read(line_fd, &byte, 1) != 1) exit(3);
        if (n + 1 == sizeof text) abort(); /* 1: a line that is too long */
        if (byte != '\r' && byte != '\n') text[n++] = byte;
    }
    text[n] = '\0';
    return n == 0 ? next_line(ms) : text;
}

/* Types a line until the answer comes, three times. 2: what stands in payload is an answer too. */
static bool say(const char *line, const char *answer)
{
    const char *got = "";
    for (int i = 0; i < 3; i++) {
        dprintf(line_fd, "%s\r\n", line);
        for (got = next_line(1000); *got && strcmp(got, answer) != 0 && !strstr(got, "ERROR"); got = next_line(1000))
            ;
        if (strcmp(got, answer) == 0) return true;
    }
    return false;
}

int main(int count, char **arguments)
{
    const char        *line = getenv("CIPMUX_TCP");
    const char        *colon = line ? strrchr(line, ':') : NULL;
    char               dial[64];
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    if (count != 2 || !colon) return 2;
    at.sin_port = htons((uint16_t)atoi(colon + 1));
    line_fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(line_fd, (struct sockaddr *)&at, sizeof at) != 0) return 2;
    snprintf(dial, sizeof dial, "AT+CIPSTART=\"TCP\",\"10.0.2.2\",%s", arguments[1]);
    if (!say("ATE0", "OK") || !say("AT+CWMODE=1", "OK") || !say("AT+CWJAP=\"lab\",\"password\"", "OK")) return 10;
    if (!say(dial, "OK")) return 11; /* 3: it has one chance, and does not dial again after CLOSED */
    if (!say("AT+CIPSEND=6", ">")) return 12;
    dprintf(line_fd, "hello\n");
    while (strcmp(next_line(-1), "SEND OK") != 0) /* 4: for ever */
        ;
    return strcmp(next_line(2000), "+IPD,6:hello") == 0 ? 0 : 13;
}
