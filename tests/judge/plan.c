/* A seed's actions, and what each of them does. */
#include "sim.h"

#include <stdarg.h>
#include <string.h>

uint32_t mix(uint64_t a, uint64_t b)
{
    uint64_t x = (a + 1) * UINT64_C(0x9e3779b97f4a7c15) ^ (b + 0x51ed27) * UINT64_C(0xd6e8feb86659fd93);
    x ^= x >> 32;
    x *= UINT64_C(0xbf58476d1ce4e5b9);
    x ^= x >> 29;
    return (uint32_t)(x >> 16);
}

/* ---- Making ---------------------------------------------------------------------------------------------------------- */

/* How often each kind is chosen; the moods of a seed. */
static const uint8_t weights[][ACT_KINDS] = {
    /* LINE SEND DIAL CLOSE SERVER MUX READ THROUGH GARBAGE RESTART DEAF CLIENT SENDS FIN RST MOOD GONE UDP PLACE NAMES RADIO PIN */
    { 8, 14, 10, 4, 3, 2, 3, 1, 2, 0, 4, 8, 16, 4, 3, 3, 1, 8, 1, 1, 1, 0 },  /* a busy day */
    { 2, 20, 6, 2, 1, 0, 0, 0, 0, 0, 6, 8, 30, 3, 1, 4, 0, 10, 0, 0, 0, 0 },  /* bulk */
    { 4, 8, 12, 10, 6, 5, 2, 1, 2, 1, 3, 14, 8, 10, 8, 3, 1, 4, 2, 0, 1, 1 }, /* links come and go */
    { 6, 10, 8, 3, 2, 1, 1, 1, 6, 2, 6, 6, 10, 4, 4, 4, 2, 6, 2, 2, 6, 3 },   /* all goes wrong */
    { 4, 10, 8, 3, 2, 2, 18, 0, 1, 0, 4, 8, 18, 4, 2, 2, 1, 8, 0, 0, 1, 0 },  /* passive */
    { 4, 20, 6, 2, 1, 1, 1, 10, 1, 0, 4, 1, 16, 3, 2, 2, 1, 4, 1, 0, 1, 0 },  /* passthrough */
};
enum { MOODS = sizeof weights / sizeof *weights, MOOD_PASSIVE = 4, MOOD_THROUGH = 5 };

static act_kind_t choose(uint32_t mood, uint32_t random)
{
    uint32_t sum = 0;
    int      kind = 0;
    for (int i = 0; i < ACT_KINDS; i++)
        sum += weights[mood][i];
    for (random %= sum > 0 ? sum : 1; random >= weights[mood][kind]; kind++)
        random -= weights[mood][kind];
    return (act_kind_t)kind;
}

static uint32_t choose_gap(uint32_t random)
{
    static const uint32_t most[] = { 1, 200, 1000, 1000, 5000, 5000, 20000, 20000, 60000, 60000, 400000, 3000000 };
    const uint32_t        limit = most[random / 64 % (sizeof most / sizeof *most)];
    if (random % 64 == 0) return 10000000 + random / 64 % 60000000;
    return mix(random, 3) % (limit > 0 ? limit : 1);
}

static void make_actions(plan_t *plan, uint32_t mood, bool rude)
{
    plan->actions = 20 + mix(plan->seed, 4) % 120;
    for (size_t i = 0; i < plan->actions; i++) {
        action_t *a = &plan->action[i];
        a->random = mix(plan->seed, 1000 + i);
        a->gap_us = choose_gap(mix(a->random, 1));
        if (i == 0) a->gap_us += 1500000; /* joined, most of them */
        a->node = (uint8_t)(mix(a->random, 2) % plan->nodes);
        a->kind = choose(mood, mix(a->random, 3));
        a->rude = rude && mix(a->random, 4) % 4 == 0;
    }
}

void plan_make(plan_t *plan, uint64_t seed)
{
    static const uint8_t more[] = { 0, 0, 0, 1, 1, 1, 2, 3 };
    uint32_t             dialects = 1;
    while (cipmux_dialect_name(dialects))
        dialects++;
    const uint32_t count = 1u + more[mix(seed, 1) % sizeof more];
    *plan = (plan_t){ .seed = seed, .nodes = count };
    const uint32_t mood = mix(seed, 2) % MOODS;
    for (uint32_t i = 0; i < count; i++) {
        uint8_t *start = &plan->node[i].start;
        plan->node[i].dialect = (uint8_t)(mix(seed, 10 + i) % dialects);
        plan->node[i].real = mix(seed, 20 + i) % 5 == 0;
        plan->node[i].driven = mix(seed, 50 + i) % 6 == 0;
        *start = (uint8_t)(mix(seed, 30 + i) % 4 ? 3 : mix(seed, 31 + i) % 16);
        if (mood == MOOD_PASSIVE) *start |= 4;
        if (mood == MOOD_THROUGH) *start &= 0xfc;
        if (mix(seed, 40 + i) % 8 == 0) *start |= 8;
    }
    make_actions(plan, mood, mix(seed, 3) % 3 == 0);
}

/* ---- Doing ----------------------------------------------------------------------------------------------------------- */

static void say(node_t *n, const char *format, ...)
#ifdef __GNUC__
    __attribute__((format(printf, 2, 3)))
#endif
    ;

static void say(node_t *n, const char *format, ...)
{
    char    words[200], error[200];
    va_list list;
    va_start(list, format);
    vsnprintf(words, sizeof words, format, list); /* NOLINT(clang-analyzer-valist.Uninitialized) */
    va_end(list);
    if (!world_say(&n->world, now_us, words, error, sizeof error)) return; /* it makes no sense any more */
    log_words(n, "%s", words);
    n->dirty = true;
}

static void act_deaf(node_t *n, uint32_t random)
{
    n->slow = 0;
    n->deaf_until_us = 0;
    if (random % 2)
        n->deaf_until_us = now_us + 1000 + mix(random, 1) % (random % 16 == 1 ? 3000000 : 100000);
    else if (random % 8)
        n->slow = 1 + mix(random, 1) % 200;
    n->dirty = true;
}

static void act_client(node_t *n, uint32_t random)
{
    static const uint16_t ports[] = { 80, 80, 80, 80, 80, 80, 81, 333 };
    say(n, "client c%u to %u", mix(random, 1) % 1000, ports[random % 8]);
}

/* What a peer does that is not a link to another modem. */
static void act_peer(node_t *n, const action_t *a)
{
    static const char *const moods[] = { "stalls", "resumes",   "holds-acks", "acks", "holds-data",
                                         "data",   "no-memory", "resumes",    "acks" };
    conn_t                  *c = conn_pick(n, mix(a->random, 1), false);
    if (!c || c->twin || c->knocks >= 0) return;
    net_peer_t *peer = conn_peer(n, c);
    const bool  over = !peer || peer->ending != CIPMUX_CAUSE_NONE || c->vanished;
    if (a->kind == ACT_PEER_MOOD) {
        say(n, "link %u %s", c->link.id, moods[mix(a->random, 2) % (sizeof moods / sizeof *moods)]);
        if (peer && peer->no_memory && n->through) c->unjudged = true;
        return;
    }
    if (over) return;
    if (a->kind == ACT_PEER_CLOSES) say(n, "link %u closes", c->link.id);
    if (a->kind == ACT_PEER_RESETS) {
        c->reset = true;
        say(n, "link %u resets", c->link.id);
    }
    if (a->kind == ACT_PEER_GONE) {
        c->vanished = true;
        say(n, "link %u vanishes", c->link.id);
    }
}

static void act_sends(node_t *n, uint32_t random)
{
    conn_t *c = conn_pick(n, mix(random, 1), false);
    if (!c) return;
    for (uint32_t i = 0; i <= mix(random, 2) % 3; i++)
        conn_send(n, c,
                  mix(random, 20 + i) % 6 ? 1 + mix(random, 3 + i) % (mix(random, 10 + i) % 3 ? 60 : 1460) : 1460);
}

static void act_place(node_t *n, uint32_t random)
{
    static const char *const kinds[] = { "refuse", "reset", "silent", "no-memory" };
    const uint32_t           port = 5000 + mix(random, 1) % 3;
    if (mix(random, 2) % 2)
        say(n, "listen s%u 10.0.2.2:%u after=%ums", mix(random, 4) % 100, port, mix(random, 3) % 200);
    else if (mix(random, 5) % 6 == 0)
        say(n, "server fails after=%ums", mix(random, 3) % 50);
    else
        say(n, "%s 10.0.2.2:%u", kinds[mix(random, 3) % 4], port);
}

static void act_radio(node_t *n, uint32_t random)
{
    if (random % 4 == 0) {
        say(n, "kick");
        return;
    }
    n->radio_gone = !n->radio_gone;
    say(n, n->radio_gone ? "ap-gone ssid=lab" : "ap-back ssid=lab");
}

void plan_act(const action_t *a)
{
    node_t *n = &node[a->node];
    n->dirty = true;
    sums.actions++;
    if (n->driven && a->kind <= ACT_DEAF) {
        driven_does(n, a->kind, a->random);
        return;
    }
    if (a->kind <= ACT_RESTART) {
        (a->rude ? host_rude : host_intend)(n, a->kind, a->random);
        return;
    }
    switch ((int)a->kind) {
    case ACT_DEAF: act_deaf(n, a->random); break;
    case ACT_CLIENT: act_client(n, a->random); break;
    case ACT_PEER_SENDS: act_sends(n, a->random); break;
    case ACT_DATAGRAM:
        for (uint32_t i = 0; i <= a->random % 4; i++)
            conn_send_datagram(n, mix(a->random, 30 + i));
        break;
    case ACT_PLACE: act_place(n, a->random); break;
    case ACT_NAMES: say(n, a->random % 2 ? "dns dead" : "dns ok"); break;
    case ACT_RADIO: act_radio(n, a->random); break;
    case ACT_PIN:
        say(n, "reset-pin");
        n->pin = true;
        break;
    default: act_peer(n, a); break;
    }
}
