/* The reader: bytes from the modem -> words, numbers, frames. It sees every byte once and keeps none; the bytes of a frame
 * are counted, never looked at. */
#include "internal.h"

static const char words[] FLASH =
#define X(name, text) text "\0"
    WORDS(X)
#undef X
    ;

void cipdrv_read_start(cipdrv_t *driver)
{
    driver->reading = READING_LINE;
    driver->matched = 0;
    driver->ordinal = 0;
    driver->word = words;
    driver->id = CIPDRV_LINKS > 1 ? CIPDRV_NO_LINK : 0;
}

/* The line is this word. In doubt it is not believed, but for the header of a frame, whose bytes are counted; what ends
 * the doubt stands in internal.h. */
static void found(cipdrv_t *driver, uint8_t last)
{
    uint8_t word = driver->ordinal;
    driver->value = 0;
    driver->reading = last == ',' || last == ':' ? READING_NUMBER : READING_SKIP;
#if CIPDRV_LINKS > 1
    if (word == WORD_IPD) driver->reading = READING_ID;
#endif
    if (word == WORD_PROMPT) /* no line end follows */
        cipdrv_read_start(driver);
    if (driver->doubt > DOUBT_CHAIN) {
        driver->doubt--;
        return;
    }
    driver->doubt = DOUBT_NONE;
#if CIPDRV_ASK
    if (word == WORD_ANSWER_NAME || word == WORD_ANSWER_TIME || word == WORD_ANSWER_PING)
        driver->reading = READING_TEXT;
#endif
    cipdrv_word(driver, word);
}

/* The next word that begins like this line so far. False: none does. */
static bool next_word(cipdrv_t *driver)
{
    const char *begin = driver->word - driver->matched, *next = driver->word;
    while (flash_next(&next)) {
    }
    if (++driver->ordinal == WORD_COUNT) return false;
    for (uint8_t i = driver->matched; i; i--)
        if (flash_next(&begin) != flash_next(&next)) return false;
    driver->word = next;
    return true;
}

static void line_byte(cipdrv_t *driver, uint8_t c)
{
    if (!driver->matched) {
        if (c == '\r' || c == '\n' || c == ' ') /* the prompt of NonOS has a blank behind it */
            return;
        if (CIPDRV_LINKS > 1 && driver->id == CIPDRV_NO_LINK && (uint8_t)(c - '0') < CIPDRV_LINKS) {
            driver->id = (uint8_t)(c - '0');
            driver->reading = READING_ID;
            return;
        }
    }
    while (flash_byte(driver->word) != c)
        if (!next_word(driver)) {
#if CIPDRV_ASK
            if (driver->command == COMMAND_ASK_PING && driver->matched == 1 && flash_byte(driver->word - 1) == '+') {
                driver->reading = READING_TEXT; /* NonOS: "+12" [tcpip 3.26] */
                cipdrv_text(driver, c);
                return;
            }
#endif
            driver->reading = READING_SKIP;
            cipdrv_unknown(driver);
            return;
        }
    driver->matched++;
    if (!flash_byte(++driver->word)) found(driver, c);
}

static void number_end(cipdrv_t *driver, uint8_t c)
{
    uint8_t word = driver->ordinal, reading = READING_SKIP;
    bool header = word == WORD_IPD IF_PASSIVE(|| word == WORD_READ_NONOS || word == WORD_READ_ESP_AT);
    if (header && (c == ':' || (CIPDRV_PASSIVE && word != WORD_IPD && c == ',')))
        reading = READING_FRAME;
    else if (header && !(CIPDRV_PASSIVE && driver->passive && c == '\r')) {
        cipdrv_noise(driver); /* a header with a byte lost: payload follows */
        return;
    }
#if CIPDRV_PASSIVE
    if (CIPDRV_LINKS > 1 && word == WORD_READ_LENGTHS && c == ',') reading = READING_NUMBER;
#endif
    if (reading == READING_FRAME && (uint16_t)(driver->value - 1) >= FRAME_MAX) {
        if (driver->value || word == WORD_IPD) {
            cipdrv_noise(driver);
            return;
        }
        reading = READING_SKIP; /* nothing was left to be read: the link's end was just told */
    }
#if CIPDRV_SWITCH /* else the modem may have another rate */
    /* A header in doubt may be payload: what comes slower than the line, now and then a few bytes, is not its frame. It has
     * about the time that its bytes need. */
    if (driver->doubt && reading == READING_FRAME)
        driver->heard = (uint16_t)(driver->now + driver->value / 4 / (driver->config->rate / 128 | 1));
#endif
    driver->reading = reading;
    if (!driver->doubt || reading == READING_FRAME) cipdrv_number(driver, word);
    if (reading == READING_NUMBER) driver->value = 0;
}

static void number_byte(cipdrv_t *driver, uint8_t c)
{
    uint8_t digit = (uint8_t)(c - '0');
    if (digit <= 9)
        driver->value = (uint16_t)(driver->value * 10 + digit);
    else if (!CIPDRV_PASSIVE || c != '-')
        number_end(driver, c);
    else
        driver->value = NOT_OPEN / 10;
}

static void byte(cipdrv_t *driver, uint8_t c)
{
    switch (driver->reading) {
    case READING_LINE: line_byte(driver, c); break;
#if CIPDRV_LINKS > 1
    case READING_ID:
        if (driver->id == CIPDRV_NO_LINK && (uint8_t)(c - '0') < CIPDRV_LINKS)
            driver->id = (uint8_t)(c - '0');
        else if (driver->id != CIPDRV_NO_LINK && c == ',')
            driver->reading = driver->matched ? READING_NUMBER : READING_LINE;
        else if (driver->matched)
            cipdrv_noise(driver);
        else {
            driver->reading = READING_SKIP;
            cipdrv_unknown(driver);
        }
        break;
#endif
    case READING_NUMBER: number_byte(driver, c); break;
#if CIPDRV_ASK
    case READING_TEXT:
        if (c != '\r')
            cipdrv_text(driver, c);
        else
            driver->reading = READING_SKIP;
        break;
#endif
    default: /* READING_SKIP */
        if (c == '\n')
            cipdrv_read_start(driver);
        else if ((int8_t)c < 0) /* payload, or noise */
            cipdrv_unknown(driver);
    }
}

uint16_t cipdrv_sink(cipdrv_t *driver, uint16_t now, const uint8_t *data, uint16_t n)
{
    const uint8_t *at = data, *end = data + n;
    driver->now = now;
    if (n && !(CIPDRV_SWITCH && driver->doubt && driver->reading == READING_FRAME)) driver->heard = now;
    while (at != end) {
        uint16_t whole = (uint16_t)(end - at);
#if CIPDRV_THROUGH
        if (driver->reading == READING_RAW) {
            at += cipdrv_frame(driver, at, whole);
            break;
        }
#endif
        if (driver->reading != READING_FRAME) {
            byte(driver, *at++);
            continue;
        }
        if (whole > driver->value) whole = driver->value;
        uint16_t taken = cipdrv_frame(driver, at, whole);
        at += taken;
        if (driver->reading != READING_FRAME) continue; /* the handler saw a fault */
        driver->value = (uint16_t)(driver->value - taken);
        if (!driver->value) {
            cipdrv_frame_end(driver);
            cipdrv_read_start(driver);
        } else /* the handler left some, or there are no more */
            break;
    }
    return (uint16_t)(at - data);
}
