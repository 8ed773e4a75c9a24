/* Multicast DNS packets: which records a question means, the answers byte for byte, and nonsense of every kind. */
#include "mdns_packet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const mdns_host_t host = {
    .host = "Esp", .host_length = 3, .service = "_iot", .service_length = 4, .port = 8080, .about = "a=1\nbc=2"
};
static const uint8_t address[4] = { 127, 0, 0, 1 };

/* Names as on the wire. */
#define HOST     "\3esp\5local\0"
#define SERVICE  "\4_iot\4_tcp\5local\0"
#define INSTANCE "\3esp" SERVICE
#define TYPES    "\x9_services\7_dns-sd\4_udp\5local\0"
/* Type and class of a question; data of a record of class IN with 4500 s. */
#define A                          "\0\x01\0\x01"
#define PTR                        "\0\x0c\0\x01"
#define SRV                        "\0\x21\0\x01"
#define TXT                        "\0\x10\0\x01"
#define ANY                        "\0\xff\0\x01"
#define HEADER(questions, answers) "\x12\x34\0\0\0" questions "\0" answers "\0\0\0\0"
#define BYTES(text)                (const uint8_t *)(text), sizeof(text) - 1

static bool read_copy(const uint8_t *packet, size_t n, mdns_question_t *out)
{
    uint8_t *copy = malloc(n + (n == 0)); /* so that a byte too much is seen */
    memcpy(copy, packet, n);
    const bool good = mdns_read(&host, copy, n, out);
    free(copy);
    return good;
}

static void check(const uint8_t *packet, size_t n, unsigned records)
{
    mdns_question_t question;
    assert_true(read_copy(packet, n, &question));
    assert_int_equal(question.records, records);
}

static void what_is_asked(void **state)
{
    (void)state;
    check(BYTES(HEADER("\1", "\0") HOST A), MDNS_A);
    check(BYTES(HEADER("\1", "\0") "\3eSP\5LOCAL\0" A), MDNS_A);
    check(BYTES(HEADER("\1", "\0") HOST ANY), MDNS_A);
    check(BYTES(HEADER("\1", "\0") HOST "\0\x01\0\xff"), MDNS_A);
    check(BYTES(HEADER("\1", "\0") HOST "\0\x1c\0\x01"), 0); /* AAAA */
    check(BYTES(HEADER("\1", "\0") HOST "\0\x01\0\x03"), 0); /* another class */
    check(BYTES(HEADER("\1", "\0") "\3esq\5local\0" A), 0);
    check(BYTES(HEADER("\1", "\0") "\3esp\5local\4home\0" A), 0);
    check(BYTES(HEADER("\1", "\0") "\0" A), 0);
    check(BYTES(HEADER("\1", "\0") SERVICE PTR), MDNS_PTR);
    check(BYTES(HEADER("\1", "\0") TYPES PTR), MDNS_TYPES);
    check(BYTES(HEADER("\1", "\0") INSTANCE SRV), MDNS_SRV);
    check(BYTES(HEADER("\1", "\0") INSTANCE TXT), MDNS_TXT);
    check(BYTES(HEADER("\1", "\0") INSTANCE ANY), MDNS_SRV | MDNS_TXT);
    check(BYTES(HEADER("\2", "\0") HOST A SERVICE PTR), MDNS_A | MDNS_PTR);
    check(BYTES(HEADER("\2", "\0") HOST A "\3esp\4_iot\4_tcp\xc0\x10" SRV), MDNS_A | MDNS_SRV); /* compressed */
    check(BYTES(HEADER("\0", "\0")), 0);
}

static void who_wants_it_alone(void **state)
{
    (void)state;
    mdns_question_t question;
    assert_true(read_copy(BYTES(HEADER("\1", "\0") HOST "\0\x01\x80\x01"), &question));
    assert_true(question.unicast && question.records == MDNS_A && question.id == 0x1234);
    assert_int_equal(question.question, sizeof(HOST A) - 1);
    assert_true(read_copy(BYTES(HEADER("\2", "\0") HOST "\0\x01\x80\x01" SERVICE PTR), &question));
    assert_false(question.unicast);
    assert_true(read_copy(BYTES(HEADER("\2", "\0") HOST "\0\x01\x80\x01"
                                                        "\1x\0" PTR),
                          &question));
    assert_true(question.unicast); /* the other question is not for us */
}

static void what_is_known_already(void **state)
{
    (void)state;
    check(BYTES(HEADER("\1", "\1") SERVICE PTR "\xc0\x0c" PTR "\0\0\x11\x94\0\x06\3Esp\xc0\x0c"), 0);
    check(BYTES(HEADER("\1", "\1") SERVICE PTR "\xc0\x0c" PTR "\0\0\x08\xca\0\x06\3esp\xc0\x0c"), 0);
    check(BYTES(HEADER("\1", "\1") SERVICE PTR "\xc0\x0c" PTR "\0\0\x08\xc9\0\x06\3esp\xc0\x0c"),
          MDNS_PTR); /* not for long */
    check(BYTES(HEADER("\1", "\1") SERVICE PTR "\xc0\x0c" PTR "\0\0\x11\x94\0\x06\3esq\xc0\x0c"),
          MDNS_PTR); /* another */
    check(BYTES(HEADER("\1", "\1") TYPES PTR "\xc0\x0c" PTR "\0\0\x11\x94\0\x11" SERVICE), 0);
    check(BYTES(HEADER("\1", "\1") SERVICE PTR "\xc0\x0c" SRV "\0\0\x11\x94\0\x06\3esp\xc0\x0c"), MDNS_PTR);
}

static void what_is_no_question(void **state)
{
    (void)state;
    static const struct {
        const uint8_t *packet;
        size_t         n;
    } cases[] = {
        { BYTES("\0\0\x84\0\0\1\0\0\0\0\0\0" HOST A) }, /* an answer */
        { BYTES("\0\0\x08\0\0\1\0\0\0\0\0\0" HOST A) }, /* another operation */
        { BYTES("\0\0\0\x03\0\1\0\0\0\0\0\0" HOST A) }, /* with an error */
        { BYTES(HEADER("\2", "\0") HOST A) },           /* a question too few */
        { BYTES(HEADER("\1", "\0") "\xc0\x0c" A) },     /* a name that is itself */
        { BYTES(HEADER("\1", "\0") "\xc0\x10" A) },     /* that is ahead */
        { BYTES(HEADER("\1", "\0") "\xc0\0" A) },       /* that is the header */
        { BYTES(HEADER("\1", "\0") "\1a\xc0\x0c" A) },  /* that never ends */
        { BYTES(HEADER("\1", "\0") "\x40"
                                   "a\0" A) }, /* of labels of another kind */
        { BYTES(HEADER("\1", "\0") "\x80"
                                   "a\0" A) },
        { BYTES(HEADER("\1", "\1") HOST A "\xc0\x0c" PTR "\0\0\x11\x94\0\x02\1a\0") }, /* data shorter than its name */
        { BYTES(HEADER("\1", "\1") HOST A "\xc0\x0c" PTR "\0\0\x11\x94\0\x04\1a\0\0") },
        { BYTES(HEADER("\1", "\1") HOST A "\xc0\x0c" PTR "\0\0\x11\x94\xff\xff\1a\0") },
    };
    mdns_question_t question;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_false(read_copy(cases[i].packet, cases[i].n, &question));
    uint8_t long_name[12 + 300] = { 0, 0, 0, 0, 0, 1 }; /* 255 bytes are the most */
    for (size_t at = 12; at + 64 < sizeof long_name; at += 64)
        long_name[at] = 63;
    assert_false(read_copy(long_name, sizeof long_name, &question));
}

static void check_answer(unsigned records, mdns_kind_t kind, const uint8_t *expected, size_t n)
{
    uint8_t out[MDNS_PACKET];
    assert_int_equal(mdns_write(out, &host, records, kind, address, NULL, NULL), n);
    assert_memory_equal(out, expected, n);
}

#define OWN          "\3Esp\5local\0"
#define OWN_INSTANCE "\3Esp" SERVICE
#define RECORD_A     OWN "\0\x01\x80\x01\0\0\0\x78\0\4\x7f\0\0\1"
#define RECORD_SRV   OWN_INSTANCE "\0\x21\x80\x01\0\0\0\x78\0\x11\0\0\0\0\x1f\x90" OWN
#define RECORD_TXT   OWN_INSTANCE "\0\x10\x80\x01\0\0\x11\x94\0\x09\3a=1\4bc=2"
#define RECORD_PTR   SERVICE "\0\x0c\0\x01\0\0\x11\x94\0\x15" OWN_INSTANCE
#define RECORD_TYPES TYPES "\0\x0c\0\x01\0\0\x11\x94\0\x11" SERVICE

static void the_answers(void **state)
{
    (void)state;
    check_answer(MDNS_A, MDNS_ANSWER, BYTES("\0\0\x84\0\0\0\0\1\0\0\0\0" RECORD_A));
    check_answer(MDNS_SRV, MDNS_ANSWER, BYTES("\0\0\x84\0\0\0\0\1\0\0\0\1" RECORD_SRV RECORD_A));
    check_answer(MDNS_TXT, MDNS_ANSWER, BYTES("\0\0\x84\0\0\0\0\1\0\0\0\0" RECORD_TXT));
    check_answer(MDNS_PTR, MDNS_ANSWER, BYTES("\0\0\x84\0\0\0\0\1\0\0\0\3" RECORD_PTR RECORD_SRV RECORD_TXT RECORD_A));
    check_answer(MDNS_TYPES, MDNS_ANSWER, BYTES("\0\0\x84\0\0\0\0\1\0\0\0\0" RECORD_TYPES));
    check_answer(MDNS_ALL, MDNS_ANSWER,
                 BYTES("\0\0\x84\0\0\0\0\5\0\0\0\0" RECORD_TYPES RECORD_PTR RECORD_SRV RECORD_TXT RECORD_A));
    check_answer(MDNS_A | MDNS_PTR, MDNS_GOODBYE,
                 BYTES("\0\0\x84\0\0\0\0\2\0\0\0\0" SERVICE "\0\x0c\0\x01\0\0\0\0\0\x15" OWN_INSTANCE OWN
                       "\0\x01\x80\x01\0\0\0\0\0\4\x7f\0\0\1"));
}

/* For a plain resolver: its id and question again, ten seconds, no bit of mDNS. */
static void the_answer_to_a_plain_resolver(void **state)
{
    (void)state;
    static const uint8_t asked[] = HEADER("\1", "\0") "\3eSp\5local\0" A;
    static const uint8_t expected[] = "\x12\x34\x84\0\0\1\0\1\0\0\0\0"
                                      "\3eSp\5local\0" A OWN "\0\x01\0\x01\0\0\0\x0a\0\4\x7f\0\0\1";
    uint8_t                                              out[MDNS_PACKET];
    mdns_question_t                                      question;
    assert_true(mdns_read(&host, asked, sizeof asked - 1, &question));
    assert_int_equal(mdns_write(out, &host, question.records, MDNS_LEGACY, address, &question, asked),
                     sizeof expected - 1);
    assert_memory_equal(out, expected, sizeof expected - 1);
}

static void the_longest_names_fit(void **state)
{
    (void)state;
    mdns_host_t long_one = { .host_length = MDNS_LABEL, .service_length = MDNS_LABEL };
    memset(long_one.host, 'h', MDNS_LABEL);
    memset(long_one.service, 's', MDNS_LABEL);
    memset(long_one.about, 'a', MDNS_ABOUT - 1);
    uint8_t        *out = malloc(MDNS_PACKET), asked[12 + 259] = { 0 };
    mdns_question_t question = { .question = 259 }; /* the longest there is */
    assert_true(mdns_write(out, &long_one, MDNS_ALL, MDNS_LEGACY, address, &question, asked) <= MDNS_PACKET);
    free(out);
}

static void every_truncation(void **state)
{
    (void)state;
    static const uint8_t        packet[] =
        HEADER("\2", "\2") HOST A "\3esp\4_iot\4_tcp\xc0\x10" SRV SERVICE PTR "\0\0\x11\x94\0\x06\3Esp\xc0\x2d"
                                  "\xc0\x0c" A "\0\0\0\x78\0\4\x7f\0\0\1";
    mdns_question_t                                                       question;
    for (size_t n = 0; n < sizeof packet - 1; n++)
        assert_false(read_copy(packet, n, &question));
}

static uint32_t next(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

/* Random bytes behind a plausible header, and good packets with some bytes changed: whatever is taken for a question can be
 * answered. */
static void nonsense(void **state)
{
    (void)state;
    static const uint8_t        good[] =
        HEADER("\2", "\2") HOST A "\3esp\4_iot\4_tcp\xc0\x10" SRV SERVICE PTR "\0\0\x11\x94\0\x06\3Esp\xc0\x2d"
                                  "\xc0\x0c" A "\0\0\0\x78\0\4\x7f\0\0\1";
    uint32_t                                                              seed = 1;
    size_t                                                                taken = 0;
    for (int i = 0; i < 100000; i++) {
        uint8_t         packet[120], out[MDNS_PACKET];
        size_t          n = next(&seed) % sizeof packet;
        mdns_question_t question;
        for (size_t k = 0; k < n; k++) /* mostly small numbers, as lengths and counts are, and pointers */
            packet[k] = (uint8_t)(next(&seed) % 3 == 0 ? next(&seed) % 8 : next(&seed) % 7 == 0 ? 0xc0 : next(&seed));
        if (n >= 12) memcpy(packet, good, 12);
        if (i % 2) {
            n = sizeof good - 1;
            memcpy(packet, good, n);
            for (uint32_t changes = 1 + next(&seed) % 3; changes > 0; changes--)
                packet[next(&seed) % n] = (uint8_t)next(&seed);
        }
        if (!read_copy(packet, n, &question) || question.records == 0) continue;
        taken++;
        const size_t length = mdns_write(out, &host, question.records, MDNS_LEGACY, address, &question, packet);
        assert_true(length <= MDNS_PACKET);
        assert_false(read_copy(out, length, &question)); /* an answer is no question */
    }
    assert_true(taken > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_asked),
        cmocka_unit_test(who_wants_it_alone),
        cmocka_unit_test(what_is_known_already),
        cmocka_unit_test(what_is_no_question),
        cmocka_unit_test(the_answers),
        cmocka_unit_test(the_answer_to_a_plain_resolver),
        cmocka_unit_test(the_longest_names_fit),
        cmocka_unit_test(every_truncation),
        cmocka_unit_test(nonsense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
