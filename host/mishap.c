/* Mishaps of the network: see mishap.h. */
#include "mishap.h"

#include "board.h"

#include <string.h>

mishap_t mishap_meet(mishaps_t *mishaps, const cipmux_address_t *to)
{
    for (size_t i = 0; i < mishaps->places; i++) {
        mishap_t        *place = &mishaps->place[i];
        const mishap_t   met = *place;
        cipmux_address_t at = place->at.family == 0 ? *to : place->at;
        if (at.port == 0) at.port = to->port;
        if (place->kind == MISHAP_NONE || !address_same(&at, to)) continue;
        if (place->once) place->kind = MISHAP_NONE;
        return met;
    }
    return (mishap_t){ .kind = MISHAP_NONE };
}

const char *mishap_name(mishap_kind_t kind)
{
    static const char *const names[] = { [MISHAP_NONE] = "none",
                                         [MISHAP_REFUSE] = "refused on demand",
                                         [MISHAP_RESET] = "reset on demand",
                                         [MISHAP_SILENT] = "silent on demand",
                                         [MISHAP_LATE] = "late on demand" };
    return names[kind];
}

static bool place(void *context, words_t *words, mishap_kind_t kind)
{
    mishaps_t         *mishaps = ((const mishap_words_t *)context)->places;
    mishap_t           said = { .kind = kind };
    const words_arg_t *at = words_plain(words, 1, "an address such as 10.0.2.2:5000");
    if (at == NULL || !words_addresses(words, at, &said.at) || !words_key_time(words, "after", &said.after_us) ||
        !words_flag(words, "once", &said.once) || !words_complete(words))
        return false;
    size_t i = 0;
    while (i < mishaps->places && !address_same(&mishaps->place[i].at, &said.at))
        i++;
    if (i == MISHAP_PLACES) return words_fail(words, 1, "there are %d such addresses already", (int)MISHAP_PLACES);
    mishaps->place[i] = said;
    if (i == mishaps->places) mishaps->places++;
    return true;
}

static bool say_refuse(void *context, words_t *words)
{
    return place(context, words, MISHAP_REFUSE);
}

static bool say_reset(void *context, words_t *words)
{
    return place(context, words, MISHAP_RESET);
}

static bool say_silent(void *context, words_t *words)
{
    return place(context, words, MISHAP_SILENT);
}

static bool say_late(void *context, words_t *words)
{
    return place(context, words, MISHAP_LATE);
}

static bool say_works(void *context, words_t *words)
{
    return place(context, words, MISHAP_NONE);
}

/* ---- Links ------------------------------------------------------------------------------------------------------- */

static const char does[] = "closes, resets, vanishes, stalls, resumes, holds-data or data";

static bool is_known(const words_arg_t *what)
{
    static const char *const all[] = { "closes", "resets", "vanishes", "stalls", "resumes", "holds-data", "data" };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (words_is(what, all[i])) return true;
    return false;
}

static void happens(sockets_link_t *link, const words_arg_t *what)
{
    if (words_is(what, "closes"))
        sockets_end(link, CIPMUX_CAUSE_FIN);
    else if (words_is(what, "resets"))
        sockets_end(link, CIPMUX_CAUSE_RESET);
    else if (words_is(what, "vanishes"))
        link->stalled = link->mute = true;
    else if (words_is(what, "stalls") || words_is(what, "resumes"))
        link->stalled = words_is(what, "stalls");
    else
        link->mute = words_is(what, "holds-data");
    board_wake(link->board);
}

/* The first link that can meet it; none: nothing happens. */
static void happens_to_any(board_t *board, const words_arg_t *what)
{
    const bool ends = words_is(what, "closes") || words_is(what, "resets");
    for (size_t i = 0; i < CIPMUX_LINKS; i++) {
        sockets_link_t *link = &board->sockets.link[i];
        if (link->state != LINK_IS_OPEN || (link->udp && ends)) continue;
        happens(link, what);
        return;
    }
}

static bool say_link(void *context, words_t *words)
{
    board_t           *board = ((const mishap_words_t *)context)->board;
    const words_arg_t *id = words_plain(words, 1, "a link, 0 to 4, or any"), *what = words_plain(words, 2, does);
    long               n = 0;
    const bool         any = id != NULL && words_is(id, "any");
    if (id == NULL || what == NULL || (!any && !words_number(words, id, 0, CIPMUX_LINKS - 1, &n)) ||
        !words_complete(words))
        return false;
    if (!is_known(what)) return words_expected(words, what, does);
    if (words->draft) return true;
    if (any) {
        if (board) happens_to_any(board, what);
        return true;
    }
    sockets_link_t *link = board ? &board->sockets.link[n] : NULL;
    if (!link || link->state != LINK_IS_OPEN) return words_fail(words, id->column, "link %ld is not open", n);
    if (link->udp && (words_is(what, "closes") || words_is(what, "resets")))
        return words_fail(words, what->column, "link %ld is UDP: it has no end", n);
    happens(link, what);
    return true;
}

const words_verb_t mishap_verbs[MISHAP_VERBS] = {
    { "link", say_link, "link 0-4|any closes|resets|vanishes|stalls|resumes|holds-data|data",
      "as if the link's peer did that: FIN, RST, silence for ever; takes nothing, takes on; says nothing, goes on" },
    { "refuse", say_refuse, "refuse IP:PORT|any [after=TIME] [once]",
      "a dial to there is refused, once: the next one; port 0: to any port" },
    { "reset", say_reset, "reset IP:PORT|any [after=TIME] [once]", "a dial to there meets a reset" },
    { "silent", say_silent, "silent IP:PORT|any [once]", "a dial to there gets no answer" },
    { "late", say_late, "late IP:PORT|any after=TIME [once]", "a dial to there takes so long" },
    { "works", say_works, "works IP:PORT|any", "that is over" },
};
