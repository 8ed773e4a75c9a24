/* The UART of the ATmega328P with a ring each way, and the clock: see uart.h. */
#include "uart.h"

#include <avr/interrupt.h>
#include <avr/io.h>
#include <util/atomic.h>

#define RECEIVE_MASK  (CIPDRV_UART_RECEIVE - 1)
#define TRANSMIT_MASK (CIPDRV_UART_TRANSMIT - 1)

/* Each ring has one writer of `head` and one of `tail`, so no interrupt needs to be disabled. */
static uint8_t          received[CIPDRV_UART_RECEIVE];
static volatile uint8_t received_head; /* interrupt: where the next byte goes */
static volatile uint8_t received_tail; /* program: the oldest byte            */
static uint8_t          written[CIPDRV_UART_TRANSMIT];
static volatile uint8_t written_head; /* program   */
static volatile uint8_t written_tail; /* interrupt */

static volatile uint8_t  faults;
static uint8_t           faults_told;
static volatile uint8_t  sent;    /* since the rate was set, so that TXC0 means something */
static uint16_t          divisor; /* of the rate to come, 0: none */
static volatile uint16_t ticks;

/* ---- RTS: high stops the modem ----------------------------------------------------------------------------------- */

#ifdef CIPDRV_UART_RTS_PORT
#define GLUE(a, b)     a##b
#define REGISTER(a, b) GLUE(a, b)
#define RTS_LEVEL      REGISTER(PORT, CIPDRV_UART_RTS_PORT)
#define RTS_DIRECTION  REGISTER(DDR, CIPDRV_UART_RTS_PORT)
#define RTS_STOP()     (RTS_LEVEL |= _BV(CIPDRV_UART_RTS_PIN)) /* one instruction: no interrupt comes between */
#define RTS_GO()       (RTS_LEVEL &= (uint8_t)~_BV(CIPDRV_UART_RTS_PIN))
#define RTS_START()    (RTS_DIRECTION |= _BV(CIPDRV_UART_RTS_PIN))
#else
#define RTS_STOP()
#define RTS_GO()
#define RTS_START()
#endif

/* ---- Interrupts -------------------------------------------------------------------------------------------------- */

ISR(USART_RX_vect)
{
    uint8_t status = UCSR0A; /* of the byte that is read next */
    uint8_t byte = UDR0;
    uint8_t head = received_head;
    uint8_t next = (uint8_t)(head + 1) & RECEIVE_MASK;
    if (status & (_BV(FE0) | _BV(DOR0))) faults++;
    if (next == received_tail) {
        faults++;
        return;
    }
    received[head] = byte;
    received_head = next;
#ifdef CIPDRV_UART_RTS_PORT
    if (((next - received_tail) & RECEIVE_MASK) >= CIPDRV_UART_RECEIVE / 4 * 3) RTS_STOP();
#endif
}

ISR(USART_UDRE_vect)
{
    uint8_t tail = written_tail;
    UDR0 = written[tail];
    UCSR0A = (uint8_t)((UCSR0A & _BV(U2X0)) | _BV(TXC0)); /* cleared so: it will say when the last byte is out */
    sent = true;
    tail = (uint8_t)(tail + 1) & TRANSMIT_MASK;
    written_tail = tail;
    if (tail == written_head) UCSR0B &= (uint8_t)~_BV(UDRIE0);
}

#if CIPDRV_UART_TIMER == 2
ISR(TIMER2_COMPA_vect)
#else
ISR(TIMER0_COMPA_vect)
#endif
{
    ticks++;
}

/* ---- Start ------------------------------------------------------------------------------------------------------- */

/* A period of 4 ms by the clock / 256, or / 1024 above 16 MHz. */
#define PRESCALER (F_CPU > 16400000 ? 1024 : 256)
#define PERIOD    ((F_CPU / 250 + PRESCALER / 2) / PRESCALER)

static void start_ticks(void)
{
#if CIPDRV_UART_TIMER == 2
    OCR2A = PERIOD - 1;
    TCCR2A = _BV(WGM21);
    TCCR2B = PRESCALER == 256 ? _BV(CS22) | _BV(CS21) : _BV(CS22) | _BV(CS21) | _BV(CS20);
    TIMSK2 = _BV(OCIE2A);
#else
    OCR0A = PERIOD - 1;
    TCCR0A = _BV(WGM01);
    TCCR0B = PRESCALER == 256 ? _BV(CS02) : _BV(CS02) | _BV(CS00);
    TIMSK0 = _BV(OCIE0A);
#endif
}

void cipdrv_uart_start(void)
{
    start_ticks();
    RTS_START();
    PORTD |= _BV(PORTD0); /* pull-up: a modem in reset is silent */
    UCSR0B = _BV(RXCIE0) | _BV(RXEN0) | _BV(TXEN0);
    sei();
}

/* ---- Rate -------------------------------------------------------------------------------------------------------- */

void cipdrv_uart_rate(uint16_t rate)
{
    const uint16_t dividend = CIPDRV_UART_DIVIDEND, tolerance = CIPDRV_UART_DIVIDEND * 3 / 100;
    uint16_t       wanted = (uint16_t)(dividend + rate / 2) / rate;
    if ((uint16_t)(wanted * rate + tolerance - dividend) <= 2 * tolerance) divisor = wanted;
}

/* Normal speed where it gives the same rate: the receiver then samples twice as often. UCSR0A goes first, because
 * simulators compute the rate when UBRR0L is written. */
static void set_rate(void)
{
    uint16_t value = divisor;
    uint8_t  speed = _BV(U2X0);
    if (!(value & 1)) {
        value /= 2;
        speed = 0;
    }
    UCSR0A = speed;
    UBRR0 = value - 1;
    divisor = 0;
    sent = false;
}

static bool transmitter_busy(void)
{
    return UCSR0B & _BV(UDRIE0) || (sent && !(UCSR0A & _BV(TXC0)));
}

/* ---- For the main loop ------------------------------------------------------------------------------------------- */

uint16_t cipdrv_uart_now(void)
{
    uint16_t now;
    ATOMIC_BLOCK(ATOMIC_RESTORESTATE)
    {
        now = ticks;
    }
    return now;
}

uint8_t cipdrv_uart_received(const uint8_t **data)
{
    uint8_t head = received_head, tail = received_tail;
    *data = &received[tail];
    return head >= tail ? (uint8_t)(head - tail) : (uint8_t)(CIPDRV_UART_RECEIVE - tail);
}

void cipdrv_uart_taken(uint8_t n)
{
    uint8_t tail = (uint8_t)(received_tail + n) & RECEIVE_MASK;
    received_tail = tail;
#ifdef CIPDRV_UART_RTS_PORT
    if (((received_head - tail) & RECEIVE_MASK) < CIPDRV_UART_RECEIVE / 2) RTS_GO();
#endif
}

uint8_t cipdrv_uart_room(uint8_t **out)
{
    uint8_t head = written_head, room, end;
    if (divisor) {
        if (transmitter_busy()) return 0;
        set_rate();
    }
    *out = &written[head];
    room = (uint8_t)(written_tail - head - 1) & TRANSMIT_MASK;
    end = (uint8_t)(CIPDRV_UART_TRANSMIT - 1 - head);
    return room <= end ? room : (uint8_t)(end + 1);
}

void cipdrv_uart_put(uint8_t n)
{
    if (!n) return;
    written_head = (uint8_t)(written_head + n) & TRANSMIT_MASK;
    UCSR0B |= _BV(UDRIE0);
}

uint8_t cipdrv_uart_faults(void)
{
    uint8_t now = faults, since = (uint8_t)(now - faults_told);
    faults_told = now;
    return since;
}

bool cipdrv_uart_run(cipdrv_t *driver)
{
    const uint8_t *data;
    uint8_t       *out = written;
    uint16_t       now = cipdrv_uart_now();
    uint8_t        taken, made;
    if (cipdrv_uart_faults()) cipdrv_fault(driver);
    taken = cipdrv_uart_received(&data);
    taken = (uint8_t)cipdrv_sink(driver, now, data, taken);
    cipdrv_uart_taken(taken);
    made = cipdrv_uart_room(&out);
    made = (uint8_t)cipdrv_poll(driver, now, out, made);
    cipdrv_uart_put(made);
    return taken || made;
}
