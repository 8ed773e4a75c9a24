/* The events of a recording, and the faults at them: which there are, and that each is words that --fault takes. */
#include "catalogue.h"
#include "scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char session[] = "# dialect: classic\n# compare: bytes\n# start: off\n# source: a test\n"
                              "< \\r\\nready\\r\\n\n"
                              "> ATE0\\r\\n\n< ATE0\\r\\r\\n\\r\\nOK\\r\\n\n"
                              "> AT+CWJAP=\"my net\",\"password\"\\r\\n\n"
                              "< WIFI CONNECTED\\r\\nWIFI GOT IP\\r\\n\\r\\nOK\\r\\n\n"
                              "> AT+CIPMUX=1\\r\\n\n< \\r\\nOK\\r\\n\n"
                              "> AT+CIPSTART=2,\"TCP\",\"10.0.2.2\",5000\\r\\n\n< 2,CONNECT\\r\\n\\r\\nOK\\r\\n\n"
                              "> AT+CIPSTART=4,\"UDP\",\"10.0.2.2\",5000\\r\\n\n< 4,CONNECT\\r\\n\\r\\nOK\\r\\n\n"
                              "> AT+CIPSEND=2,4\\r\\n\n< \\r\\nOK\\r\\n>\\s\n"
                              "> A\\n\\r\\n\n< \\r\\nRecv 4 bytes\\r\\n\\r\\nSEND OK\\r\\n\n"
                              "< \\r\\n+IPD,2,6:\\r\\nOK\\r\\n\n"
                              "< 2,CLOSED\\r\\n\n"
                              "> AT+CIPCLOSE=4\\r\\n\n< 4,CLOSED\\r\\n\\r\\nOK\\r\\n\n"
                              "> AT+CIPMUX=0\\r\\n\n< \\r\\nOK\\r\\n\n"
                              "> AT+CIPMODE=1\\r\\n\n< \\r\\nOK\\r\\n\n"
                              "> AT+CIPSTART=\"TCP\",\"10.0.2.2\",5000\\r\\n\n< CONNECT\\r\\n\\r\\nOK\\r\\n\n"
                              "> AT+CIPSEND\\r\\n\n< \\r\\nOK\\r\\n\\r\\n>\n"
                              "> AT in passthrough\\r\\n\n@ 1s\n> +++\n@ 2s\n"
                              "> AT\\r\\n\n< \\r\\nOK\\r\\n\n";

static story_t story;

static int read_session(void **state)
{
    char          error[256];
    transcript_t *recording = transcript_read("session", strdup(session), NULL, error, sizeof error);
    (void)state;
    if (!recording) fail_msg("%s", error);
    story_read(&story, recording);
    transcript_free(recording);
    return 0;
}

static int forget(void **state)
{
    (void)state;
    story_free(&story);
    return 0;
}

/* All of what `add` says of each ordeal, a line each. */
static char *lines(const char *only, void (*add)(const story_t *, const ordeal_t *, writer_bytes_t *))
{
    ordeal_t      *ordeal;
    writer_bytes_t out = { 0 };
    const size_t   n = catalogue_plan(&story, only, &ordeal);
    for (size_t i = 0; i < n; i++) {
        add(&story, &ordeal[i], &out);
        if (add == catalogue_event) writer_add(&out, "\n", 1);
    }
    free(ordeal);
    writer_add(&out, "", 1);
    return (char *)out.bytes;
}

static void says(const char *only, void (*add)(const story_t *, const ordeal_t *, writer_bytes_t *),
                 const char *expected)
{
    char *said = lines(only, add);
    assert_string_equal(said, expected);
    free(said);
}

/* Each event once; the payload is one, and none of its lines. What was printed before anybody listened is none. */
static void test_events(void **state)
{
    (void)state;
    says("reset", catalogue_event,
         "typed \"ATE0\" #1\nprinted \"ATE0\" #1\nprinted \"OK\" #1\n"
         "typed \"AT+CWJAP=\\\"my net\\\",\\\"password\\\"\" #1\nprinted \"WIFI CONNECTED\" #1\n"
         "printed \"WIFI GOT IP\" #1\nprinted \"OK\" #2\n"
         "typed \"AT+CIPMUX=1\" #1\nprinted \"OK\" #3\n"
         "typed \"AT+CIPSTART=2,\\\"TCP\\\",\\\"10.0.2.2\\\",5000\" #1\nprinted \"2,CONNECT\" #1\nprinted \"OK\" #4\n"
         "typed \"AT+CIPSTART=4,\\\"UDP\\\",\\\"10.0.2.2\\\",5000\" #1\nprinted \"4,CONNECT\" #1\nprinted \"OK\" #5\n"
         "typed \"AT+CIPSEND=2,4\" #1\nprinted \"OK\" #6\nprinted \">\" #1\n"
         "typed data of \"AT+CIPSEND=2,4\" #1\nprinted \"Recv 4 bytes\" #1\nprinted \"SEND OK\" #1\n"
         "printed \"+IPD,2,6:\" #1\nprinted data of \"+IPD,2,6:\" #1\nprinted \"2,CLOSED\" #1\n"
         "typed \"AT+CIPCLOSE=4\" #1\nprinted \"4,CLOSED\" #1\nprinted \"OK\" #8\n" /* the 7th is payload */
         "typed \"AT+CIPMUX=0\" #1\nprinted \"OK\" #9\ntyped \"AT+CIPMODE=1\" #1\nprinted \"OK\" #10\n"
         "typed \"AT+CIPSTART=\\\"TCP\\\",\\\"10.0.2.2\\\",5000\" #1\nprinted \"CONNECT\" #3\nprinted \"OK\" #11\n"
         "typed \"AT+CIPSEND\" #2\nprinted \"OK\" #12\nprinted \">\" #2\ntyped \"AT in passthrough\" #1\n"
         "typed \"+++\" #1\ntyped \"AT\" #13\nprinted \"OK\" #13\n");
}

/* A port is no part of a text; payload is found by the line before it; a link is only closed while it is open. */
static void test_places(void **state)
{
    (void)state;
    says("refused", catalogue_words,
         "on typed \"AT+CIPSTART=2,\\\"TCP\\\",\\\"10.0.2.2\\\",\" nth=1 refuse any once\n"
         "on typed \"AT+CIPSTART=\\\"TCP\\\",\\\"10.0.2.2\\\",\" nth=1 refuse any once\n");
    char *said = lines("closes", catalogue_words);
    assert_non_null(strstr(said, "on typed \"AT+CIPSEND=2,4\" nth=1 after=6 link 2 closes\n"));
    assert_non_null(strstr(said, "on printed \"+IPD,2,6:\" nth=1 after=6 link 2 closes\n"));
    assert_null(strstr(said, "link 4")); /* UDP */
    assert_null(strstr(said, "on printed \"2,CLOSED"));
    free(said);
    said = lines("byte-lost", catalogue_words);
    assert_non_null(strstr(said, "on typed \"AT+CIPSEND=2,4\" nth=1 after=4 typed loses 1\n"));
    assert_non_null(strstr(said, "on typed \"AT+CIPS\" nth=3 typed loses 1\n")); /* AT+CIPSTART begins likewise */
    free(said);
    said = lines("connect,data,stalls,vanishes", catalogue_words);
    assert_non_null(strstr(said, "printed adds \"0,CONNECT\\r\\n\"\n"));
    assert_non_null(strstr(said, "printed adds \"\\r\\n+IPD,2,30:"));
    assert_non_null(strstr(said, "link 4 stalls\n"));
    free(said);
}

/* Every fault at every event is words that the program takes. */
static void test_words(void **state)
{
    static radio_t   air;
    static hosts_t   hosts;
    static gpio_t    pins;
    static faults_t  faults;
    static mishaps_t mishaps;
    static words_t   words;
    const scene_t    scene = { &air, &hosts, &pins, &faults, { .places = &mishaps } };
    ordeal_t        *ordeal;
    const size_t     n = catalogue_plan(&story, NULL, &ordeal);
    (void)state;
    assert_in_range(n, 300, 1000);
    for (size_t i = 0; i < n; i++) {
        writer_bytes_t text = { 0 };
        radio_init(&air);
        if (!words_parse(&words, "ap ssid=\"my net\"") || !scene_say(&scene, &words)) fail_msg("%s", words.error);
        hosts_init(&hosts);
        gpio_init(&pins);
        faults_init(&faults, 0);
        catalogue_words(&story, &ordeal[i], &text);
        writer_add(&text, "", 1);
        for (char *line = strtok((char *)text.bytes, "\n"); line; line = strtok(NULL, "\n"))
            if (!words_parse(&words, line) || !scene_say(&scene, &words)) fail_msg("%s: %s", line, words.error);
        free(text.bytes);
    }
    free(ordeal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_events, read_session, forget),
        cmocka_unit_test_setup_teardown(test_places, read_session, forget),
        cmocka_unit_test_setup_teardown(test_words, read_session, forget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
