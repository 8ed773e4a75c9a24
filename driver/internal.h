/* What the driver's files share. reader.c turns bytes into words and frames, writer.c turns commands into bytes, driver.c
 * decides. */
#ifndef CIPDRV_INTERNAL_H
#define CIPDRV_INTERNAL_H

#include "cipdrv.h"

#include <stddef.h>

#ifdef __AVR__
#include <avr/pgmspace.h>
#define FLASH               PROGMEM
#define OUTLINE             __attribute__((noinline)) /* smaller than a copy at each call */
#define flash_byte(address) ((uint8_t)pgm_read_byte(address))
static inline uint8_t flash_next(const char **at) /* the compiler does not find this instruction by itself */
{
    uint8_t c;
    __asm__("lpm %0, Z+" : "=r"(c), "+z"(*at));
    return c;
}
#else
#define FLASH
#define OUTLINE
#define flash_byte(address) (*(const uint8_t *)(address))
#define flash_next(at)      ((uint8_t) * (*(at))++)
#endif

/* ---- What the modem says --------------------------------------------------------------------------------------- */

#if CIPDRV_PASSIVE
#define IF_PASSIVE(...) __VA_ARGS__
#else
#define IF_PASSIVE(...)
#endif
#if CIPDRV_ASK
#define IF_ASK(...) __VA_ARGS__
#else
#define IF_ASK(...)
#endif
#if CIPDRV_SOFTAP
#define IF_SOFTAP(...) __VA_ARGS__
#define IF_STATION(...)
#else
#define IF_SOFTAP(...)
#define IF_STATION(...) __VA_ARGS__
#endif
#if CIPDRV_UDP || CIPDRV_SSL
#define IF_TYPES(with, without) with
#else
#define IF_TYPES(with, without) without
#endif
#if CIPDRV_CUR
#define IF_CUR(...) __VA_ARGS__
#else
#define IF_CUR(...)
#endif
#if CIPDRV_SWITCH
#define IF_SWITCH(...) __VA_ARGS__
#else
#define IF_SWITCH(...)
#endif
#if CIPDRV_SAVED
#define IF_SAVED(...) __VA_ARGS__
#else
#define IF_SAVED(...)
#endif
#if CIPDRV_FLOW
#define IF_FLOW(with, without) with
#else
#define IF_FLOW(with, without) without
#endif
#if CIPDRV_UDP
#define IF_UDP(...) __VA_ARGS__
#else
#define IF_UDP(...)
#endif
#if CIPDRV_SERVER
#define IF_SERVER(...) __VA_ARGS__
#else
#define IF_SERVER(...)
#endif
#if CIPDRV_THROUGH
#define IF_THROUGH(...) __VA_ARGS__
#else
#define IF_THROUGH(...)
#endif
#if CIPDRV_LINKS > 1
#define IF_MULTIPLE(...) __VA_ARGS__
#else
#define IF_MULTIPLE(...)
#endif

/* Sorted by ASCII, none the beginning of another: the reader goes through them once while a line comes in. Behind one that
 * ends in "," or ":" comes a number. */
#define WORDS(X)                                                                                                       \
    X(ECHO_ESCAPE, "+++")                                                                                              \
    IF_ASK(X(ANSWER_NAME, "+CIPDOMAIN:"))                                                                              \
    IF_PASSIVE(X(READ_NONOS, "+CIPRECVDATA,"))                                                                         \
    IF_PASSIVE(X(READ_ESP_AT, "+CIPRECVDATA:"))                                                                        \
    IF_PASSIVE(X(READ_LENGTHS, "+CIPRECVLEN:"))                                                                        \
    IF_ASK(X(ANSWER_TIME, "+CIPSNTPTIME:"))                                                                            \
    X(LISTED, "+CIPSTATUS:")                                                                                           \
    IF_SOFTAP(X(STATION_IP, "+DIST_STA_IP"))                                                                           \
    X(IPD, "+IPD,")                                                                                                    \
    IF_ASK(X(ANSWER_PING, "+PING:"))                                                                                   \
    IF_SOFTAP(X(STATION, "+STA_"))                                                                                     \
    X(PROMPT, ">")                                                                                                     \
    X(ECHO, "AT")                                                                                                      \
    X(CLOSED, "CLOSED\r")                                                                                              \
    X(CONNECT, "CONNECT\r")                                                                                            \
    IF_SERVER(X(CONNECT_FAIL, "CONNECT F"))                                                                            \
    X(ERROR, "ERROR")                                                                                                  \
    X(FAIL, "FAIL")                                                                                                    \
    X(OK, "OK\r")                                                                                                      \
    X(TAKEN, "Recv ")                                                                                                  \
    IF_CUR(X(ESP_AT, "SDK version:v"))                                                                                 \
    X(SEND_CANCELED, "SEND C")                                                                                         \
    X(SEND_FAIL, "SEND F")                                                                                             \
    X(SEND_OK, "SEND OK\r")                                                                                            \
    X(STATUS, "STATUS:")                                                                                               \
    X(WIFI, "WIFI ")                                                                                                   \
    X(BUSY, "busy ")                                                                                                   \
    X(READY, "ready\r")

enum {
#define X(name, text) WORD_##name,
    WORDS(X)
#undef X
        WORD_COUNT
};

/* ---- What the driver says -------------------------------------------------------------------------------------- */

/* Each text begins with the time until its answer is overdue, in quarters of a second, and ends with its line end (which
 * "+++" has only for that). The codes in it are: */
#define LINK            "\1"
#define AMOUNT          "\2"
#define HOST            "\3"
#define SSID            "\4"
#define PASSWORD        "\5"
#define CUR             IF_CUR("\6") /* "_CUR" on NonOS, which writes to flash without it [conventions 1.10] */
#define TYPE            IF_TYPES("\7", "TCP")
#define FLOW            "\10"
#define END_UNLESS_PORT "\11" /* the text ends here unless a local port is given */
#define CIP             "\13" /* AT+CIP */
#define LOCAL_PORT      "\14"
#define LINK_COMMA      IF_MULTIPLE(LINK ",")

/* First the hunt, then the set-up in its order, then what happens when it is done. */
#define COMMANDS(X)                                                                                                    \
    X(NONE, "\1\n")                                                                                                    \
    X(ESCAPE, "\1+++\n")                                                                                               \
    X(PROBE, "\1AT\r\n")                                                                                               \
    IF_SAVED(X(SAVED, "\4AT+SAVETRANSLINK=0\r\n"))                                                                     \
    X(RESET, "\24AT+RST\r\n")                                                                                          \
    X(ECHO_OFF, "\4ATE0\r\n")                                                                                          \
    IF_CUR(X(VERSION, "\4AT+GMR\r\n"))                                                                                 \
    IF_CUR(X(MESSAGES, "\4AT+SYSMSG" CUR "=0\r\n"))                                                                    \
    IF_SWITCH(X(RATE, "\4AT+UART_CUR=" AMOUNT "00,8,1,0," IF_FLOW(FLOW, "0") "\r\n"))                                  \
    IF_MULTIPLE(X(MUX, "\4" CIP "MUX=1\r\n"))                                                                          \
    IF_PASSIVE(X(PASSIVE, "\4" CIP "RECVMODE=1\r\n"))                                                                  \
    X(WIFI_MODE, "\4AT+CWMODE" CUR "=" IF_SOFTAP(AMOUNT) IF_STATION("1") "\r\n")                                       \
    IF_SOFTAP(X(SOFTAP, "\24AT+CWSAP" CUR "=\"" SSID "\",\"" PASSWORD "\"," AMOUNT ",3\r\n"))                          \
    IF_SERVER(X(SERVER_ON, "\4" CIP "SERVER=1," AMOUNT "\r\n"))                                                        \
    IF_SERVER(X(SERVER_IDLE, "\4" CIP "STO=" AMOUNT "\r\n"))                                                           \
    X(STATUS, "\4" CIP "STATUS\r\n")                                                                                   \
    IF_PASSIVE(X(LENGTHS, "\4" CIP "RECVLEN?\r\n"))                                                                    \
    X(JOIN, "\120AT+CWJAP" CUR "=\"" SSID "\",\"" PASSWORD "\"\r\n")                                                   \
    X(DIAL, "\240" CIP "START=" LINK_COMMA "\"" TYPE "\",\"" HOST                                                      \
            "\"," AMOUNT IF_UDP(END_UNLESS_PORT "," LOCAL_PORT ",2") "\r\n")                                           \
    IF_MULTIPLE(X(MUX_AGAIN, "\4" CIP "MUX=1\r\n"))                                                                    \
    X(CLOSE, "\10" CIP "CLOSE" IF_MULTIPLE("=" LINK) "\r\n")                                                           \
    X(SEND, "\4" CIP "SEND=" LINK_COMMA AMOUNT "\r\n")                                                                 \
    IF_PASSIVE(X(READ, "\4" CIP "RECVDATA=" LINK_COMMA AMOUNT "\r\n"))                                                 \
    IF_THROUGH(X(THROUGH_MODE, "\4" CIP "MODE=1\r\n"))                                                                 \
    IF_THROUGH(X(THROUGH, "\4" CIP "SEND\r\n"))                                                                        \
    IF_THROUGH(X(THROUGH_END, "\4" CIP "MODE=0\r\n"))                                                                  \
    IF_ASK(X(ASK_NAME, "\120" CIP "DOMAIN=\"" HOST "\"\r\n"))                                                          \
    IF_ASK(X(ASK_PING, "\50AT+PING=\"" HOST "\"\r\n"))                                                                 \
    IF_ASK(X(ASK_TIME, "\4" CIP "SNTPTIME?\r\n"))                                                                      \
    IF_ASK(X(TIME_ZONE, "\4" CIP "SNTPCFG=1," HOST "\r\n"))

enum {
#define X(name, text) COMMAND_##name,
    COMMANDS(X)
#undef X
        COMMAND_COUNT
};

/* ---- States ---------------------------------------------------------------------------------------------------- */

enum {               /* cipdrv_t.reading */
       READING_LINE, /* a line is compared with the words */
       READING_ID,   /* "3" and "," are next, or behind the "3" of a line the "," */
       READING_SKIP, /* to the line's end */
       READING_NUMBER,
       READING_TEXT, /* an answer, to the line's end */
       READING_RAW,  /* passthrough */
       READING_FRAME /* `value` bytes of payload, never looked at */
};

enum {              /* cipdrv_t.stage */
       STAGE_IDLE,  /* the slot is free */
       STAGE_PAUSE, /* silence until the deadline, then the command is written */
       STAGE_WRITE,
       STAGE_AWAIT,   /* its verdict, or the prompt */
       STAGE_PAYLOAD, /* `amount` bytes are still to be written */
       STAGE_RESULT,  /* "Recv" */
       STAGE_TAKEN,   /* SEND OK or SEND FAIL */
       STAGE_THROUGH
};

enum { /* cipdrv_t.doubt: something was garbled, so the next bytes may be payload without its header */
       DOUBT_NONE,
       DOUBT_CHAIN, /* the next line is believed if it is known: it stands right behind what looked like a frame, or */
       DOUBT = 4    /* so many known lines came in a row. Also silence ends it */
};

enum { /* cipdrv_link_t.state */
       LINK_FREE,
       LINK_DIAL,    /* to be dialled */
       LINK_DIALING, /* AT+CIPSTART is out */
       LINK_ENDED,   /* closed, but the modem still holds bytes */
       LINK_OPEN,
       LINK_CLOSING /* to be closed, after its send */
};

/* A command's link can end and its id be used again before the answer: not where we alone open the only link. */
#define CIPDRV_GONE (CIPDRV_LINKS > 1 || CIPDRV_SERVER)

/* With one link its place is known at compile time. */
#if CIPDRV_LINKS > 1
#define link_at(driver, id) cipdrv_link(driver, id)
#else
#define link_at(driver, id) ((void)(id), &(driver)->links[0])
#endif

#define FRAME_MAX 2048  /* bytes; a longer one is a garbled number [tcpip 4.10] */
#define NOT_OPEN  65531 /* what the reader makes of "-1", the length of a link that is not open */

#define CAUSE_UNTOLD 255 /* the program never knew of this link */

/* reader.c */
void cipdrv_read_start(cipdrv_t *driver); /* a new line begins */

/* writer.c */
void    cipdrv_wait(cipdrv_t *driver, uint8_t quarters); /* sets the deadline, in quarters of a second */
void    cipdrv_write_start(cipdrv_t *driver);            /* the command in the slot */
uint8_t cipdrv_write_byte(cipdrv_t *driver);             /* with the last one, '\n', it is STAGE_AWAIT */

/* driver.c, for the others */
cipdrv_link_t *cipdrv_link(cipdrv_t *driver, uint8_t id);
void           cipdrv_word(cipdrv_t *driver, uint8_t word);                     /* a whole line */
void           cipdrv_number(cipdrv_t *driver, uint8_t word);                   /* `value` behind it */
uint16_t       cipdrv_frame(cipdrv_t *driver, const uint8_t *data, uint16_t n); /* returns how many were taken */
void           cipdrv_frame_end(cipdrv_t *driver);
void           cipdrv_unknown(cipdrv_t *driver); /* a line that is no word */
void           cipdrv_noise(cipdrv_t *driver);
void           cipdrv_text(cipdrv_t *driver, uint8_t c); /* a character of an answer */

#endif
