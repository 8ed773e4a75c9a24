/* Telnet options and the commands of COM-PORT-OPTION. See rfc2217.h. */
#include "rfc2217.h"

#include <string.h>

enum { IAC = 255, DONT = 254, DO = 253, WONT = 252, WILL = 251, SB = 250, SE = 240 };
enum { OPTION_BINARY = 0, OPTION_SGA = 3, OPTION_COM_PORT = 44 };
enum { FROM_SERVER = 100, ANSWER_MAX = 32 }; /* an answer's code is the command's and 100; longest answer, escaped */
enum {
    SIGNATURE,
    SET_BAUDRATE,
    SET_DATASIZE,
    SET_PARITY,
    SET_STOPSIZE,
    SET_CONTROL,
    NOTIFY_LINESTATE,
    NOTIFY_MODEMSTATE,
    SUSPEND,
    RESUME,
    SET_LINESTATE_MASK,
    SET_MODEMSTATE_MASK,
    PURGE_DATA
};
enum { CLEAR_TO_SEND = 0x10, DATA_SET_READY = 0x20, CARRIER = 0x80 };
enum { BAUD_MIN = 50, BAUD_MAX = 16000000 };
enum { STATE_DATA, STATE_IAC, STATE_OPTION, STATE_SUB, STATE_SUB_IAC };

/* ---- To the client ----------------------------------------------------------------------------------------------- */

static void put(rfc2217_t *telnet, uint8_t byte)
{
    telnet->wire[telnet->wire_end++] = byte;
}

static void put_escaped(rfc2217_t *telnet, uint8_t byte)
{
    if (byte == IAC) put(telnet, IAC);
    put(telnet, byte);
}

static size_t wire_room(const rfc2217_t *telnet)
{
    return RFC2217_WIRE - (telnet->wire_end - telnet->wire_first);
}

static void make_room(rfc2217_t *telnet)
{
    memmove(telnet->wire, telnet->wire + telnet->wire_first, telnet->wire_end - telnet->wire_first);
    telnet->wire_end -= telnet->wire_first;
    telnet->wire_first = 0;
}

static void put_option(rfc2217_t *telnet, uint8_t verb, uint8_t option)
{
    put(telnet, IAC);
    put(telnet, verb);
    put(telnet, option);
}

static void answer(rfc2217_t *telnet, uint8_t command, const uint8_t *value, size_t length)
{
    put(telnet, IAC);
    put(telnet, SB);
    put(telnet, OPTION_COM_PORT);
    put(telnet, (uint8_t)(command + FROM_SERVER));
    for (size_t i = 0; i < length; i++)
        put_escaped(telnet, value[i]);
    put(telnet, IAC);
    put(telnet, SE);
}

static void answer_byte(rfc2217_t *telnet, uint8_t command, uint8_t value)
{
    answer(telnet, command, &value, 1);
}

static void tell_modem_state(rfc2217_t *telnet)
{
    answer_byte(telnet, NOTIFY_MODEMSTATE, CLEAR_TO_SEND | DATA_SET_READY | CARRIER);
}

/* ---- Options ----------------------------------------------------------------------------------------------------- */

/* The bit of an option that may be on; 0: never. */
static uint8_t bit_of(uint8_t option)
{
    return option == OPTION_BINARY ? 1 : option == OPTION_SGA ? 2 : option == OPTION_COM_PORT ? 4 : 0;
}

/* One side's option: answered only when it changes something, so that two sides cannot answer each other for ever. */
static void agree(rfc2217_t *telnet, uint8_t *side, bool on, uint8_t yes, uint8_t no, uint8_t option)
{
    uint8_t bit = bit_of(option);
    bool    was_on = (*side & bit) != 0;
    if (on && bit == 0) put_option(telnet, no, option);
    if (bit == 0 || on == was_on) return;
    *side ^= bit;
    put_option(telnet, on ? yes : no, option);
    if (on && option == OPTION_COM_PORT && side == &telnet->theirs) tell_modem_state(telnet);
}

static void negotiate(rfc2217_t *telnet, uint8_t option)
{
    bool wants_ours = telnet->verb == DO || telnet->verb == DONT;
    if (wants_ours)
        agree(telnet, &telnet->ours, telnet->verb == DO, WILL, WONT, option);
    else
        agree(telnet, &telnet->theirs, telnet->verb == WILL, DO, DONT, option);
}

/* ---- Commands ---------------------------------------------------------------------------------------------------- */

static void set_baudrate(rfc2217_t *telnet, const uint8_t *value)
{
    uint32_t       baud = (uint32_t)value[0] << 24 | (uint32_t)value[1] << 16 | (uint32_t)value[2] << 8 | value[3];
    cipmux_line_t *line = &telnet->line;
    if (baud >= BAUD_MIN && baud <= BAUD_MAX) {
        line->baud = baud;
        telnet->line_known = true;
    }
    answer(telnet, SET_BAUDRATE,
           (const uint8_t[]){ (uint8_t)(line->baud >> 24), (uint8_t)(line->baud >> 16), (uint8_t)(line->baud >> 8),
                              (uint8_t)line->baud },
           4);
}

/* Data size, parity and stop size: the protocol's codes, and those of cipmux_line_t. What is asked (0) or impossible
 * changes nothing and is answered by what is. */
static void set_format(rfc2217_t *telnet, uint8_t command, uint8_t value)
{
    static const uint8_t parities[] = { 1, 2, 3 }, stops[] = { 0, 1, 3, 2 }; /* by cipmux_line_t's code */
    cipmux_line_t       *line = &telnet->line;
    cipmux_line_t        before = *line;
    if (command == SET_DATASIZE && value >= 5 && value <= 8) line->data_bits = value;
    if (command == SET_PARITY && value >= 1 && value <= 3) line->parity = (uint8_t)(value - 1);
    if (command == SET_STOPSIZE && value >= 1 && value <= 3) line->stop_bits = stops[value];
    if (memcmp(&before, line, sizeof before) != 0) telnet->line_known = true;
    answer_byte(telnet, command,
                command == SET_DATASIZE ? line->data_bits
                : command == SET_PARITY ? parities[line->parity]
                                        : stops[line->stop_bits]);
}

static void set_dtr(rfc2217_t *telnet, bool on)
{
    if (on && !telnet->dtr) telnet->reset = true;
    telnet->dtr = on;
}

static void set_control(rfc2217_t *telnet, uint8_t value)
{
    enum {
        FLOW_ASK = 0,
        FLOW_NONE,
        FLOW_XON,
        FLOW_HARDWARE,
        BREAK_ASK,
        BREAK_ON,
        BREAK_OFF,
        DTR_ASK,
        DTR_ON,
        DTR_OFF,
        RTS_ASK,
        RTS_ON,
        RTS_OFF,
        INBOUND_ASK,
        INBOUND_NONE
    };
    uint8_t now = value;
    switch (value) {
    case FLOW_ASK:
    case FLOW_XON: now = telnet->line.flow ? FLOW_HARDWARE : FLOW_NONE; break;
    case FLOW_NONE: telnet->line.flow = 0; break;
    case FLOW_HARDWARE: telnet->line.flow = 3; break;
    case BREAK_ASK:
    case BREAK_ON: now = BREAK_OFF; break;
    case DTR_ASK: now = telnet->dtr ? DTR_ON : DTR_OFF; break;
    case DTR_ON:
    case DTR_OFF: set_dtr(telnet, value == DTR_ON); break;
    case RTS_ASK: now = telnet->rts ? RTS_ON : RTS_OFF; break;
    case RTS_ON:
    case RTS_OFF: telnet->rts = value == RTS_ON; break;
    default: now = value < INBOUND_ASK ? value : INBOUND_NONE; break;
    }
    answer_byte(telnet, SET_CONTROL, now);
}

static void obey(rfc2217_t *telnet)
{
    const uint8_t *value = telnet->sub + 2;
    size_t         length = telnet->sub_length - 2;
    uint8_t        command = telnet->sub[1];
    if (command == SIGNATURE && length == 0) answer(telnet, SIGNATURE, (const uint8_t *)"cipmux", 6);
    if (command == SET_BAUDRATE && length == 4) set_baudrate(telnet, value);
    if (length != 1) return;
    if (command == SET_DATASIZE || command == SET_PARITY || command == SET_STOPSIZE)
        set_format(telnet, command, value[0]);
    else if (command == SET_CONTROL)
        set_control(telnet, value[0]);
    else if (command == SET_LINESTATE_MASK || command == SET_MODEMSTATE_MASK || command == PURGE_DATA)
        answer_byte(telnet, command, value[0]);
    if (command == SET_MODEMSTATE_MASK) tell_modem_state(telnet);
}

static void end_of_sub(rfc2217_t *telnet)
{
    if (telnet->sub_length >= 2 && telnet->sub_length < RFC2217_SUB && telnet->sub[0] == OPTION_COM_PORT) obey(telnet);
}

/* ---- Bytes ------------------------------------------------------------------------------------------------------- */

static void add_to_sub(rfc2217_t *telnet, uint8_t byte)
{
    if (telnet->sub_length < RFC2217_SUB) telnet->sub[telnet->sub_length++] = byte;
    telnet->state = STATE_SUB;
}

static void after_iac(rfc2217_t *telnet, uint8_t byte)
{
    telnet->state = byte == SB ? STATE_SUB : byte >= WILL && byte <= DONT ? STATE_OPTION : STATE_DATA;
    telnet->verb = byte;
    telnet->sub_length = 0;
}

/* True: the byte is data. */
static bool is_data(rfc2217_t *telnet, uint8_t byte)
{
    switch (telnet->state) {
    case STATE_DATA:
        if (byte != IAC) return true;
        telnet->state = STATE_IAC;
        return false;
    case STATE_IAC: after_iac(telnet, byte); return byte == IAC;
    case STATE_OPTION:
        telnet->state = STATE_DATA;
        negotiate(telnet, byte);
        return false;
    case STATE_SUB:
        if (byte == IAC)
            telnet->state = STATE_SUB_IAC;
        else
            add_to_sub(telnet, byte);
        return false;
    default:
        if (byte == IAC) {
            add_to_sub(telnet, byte);
            return false;
        }
        telnet->state = STATE_DATA;
        if (byte == SE) end_of_sub(telnet);
        return false;
    }
}

size_t rfc2217_receive(rfc2217_t *telnet, const uint8_t *bytes, size_t n, uint8_t *data)
{
    size_t count = 0;
    make_room(telnet);
    for (size_t i = 0; i < n; i++) {
        uint8_t byte = bytes[i];
        if (is_data(telnet, byte)) data[count++] = byte;
    }
    return count;
}

/* No answer is longer than three times its question, but for one that was begun before. */
size_t rfc2217_room(const rfc2217_t *telnet)
{
    size_t room = wire_room(telnet);
    return room > ANSWER_MAX ? (room - ANSWER_MAX) / 3 : 0;
}

size_t rfc2217_send(rfc2217_t *telnet, const uint8_t *data, size_t n)
{
    size_t i = 0;
    make_room(telnet);
    for (; i < n && wire_room(telnet) >= RFC2217_WIRE / 2; i++) /* the other half is for answers */
        put_escaped(telnet, data[i]);
    return i;
}

void rfc2217_start(rfc2217_t *telnet, const cipmux_line_t *line)
{
    *telnet = (rfc2217_t){ .line = *line, .dtr = true, .rts = true };
}
