/* Exhaustive search of the engine's real state: from a modem that has joined its access point, every word of up to DEPTH
 * letters (board.h). States that differ only in what makes no difference (reduce.c) are visited once. Prints what it saw, or
 * the shortest word that breaks a promise.
 *
 * Usage: search DIALECT DEPTH              exit status 0: nothing was broken
 *        search --planted DIALECT DEPTH    0: something was */
#include "board.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { RUNS = 400, NOBODY = -1 };

/* A state is kept as its difference from the first one: where, how many bytes, those bytes. */
typedef struct {
    size_t   at; /* in the store */
    int32_t  parent;
    uint16_t length;
    uint8_t  letter;
} state_t;

typedef struct {
    uint64_t a, b; /* 128 bits of a hash stand for a state */
} key_t;

typedef struct {
    board_t  first;
    state_t *states;
    size_t   count, room;
    uint8_t *store;
    size_t   used, store_room;
    key_t   *keys; /* open addressing */
    size_t   slots;
    uint64_t transitions;
} search_t;

static void *grown(void *old, size_t bytes)
{
    void *const new = realloc(old, bytes);
    if (new == NULL) {
        fprintf(stderr, "search: out of memory\n");
        exit(2);
    }
    return new;
}

/* ---- the set of states ---- */

static key_t key_of(const board_t *reduced)
{
    uint64_t words[sizeof(board_t) / sizeof(uint64_t)];
    key_t    key = { 0x9e3779b97f4a7c15u, 0xc2b2ae3d27d4eb4fu };
    memcpy(words, reduced, sizeof words);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        key.a = (key.a ^ words[i]) * 0xff51afd7ed558ccdu;
        key.a ^= key.a >> 32;
        key.b = (key.b + words[i]) * 0xc4ceb9fe1a85ec53u;
        key.b ^= key.b >> 29;
    }
    key.a |= 1; /* 0, 0: an empty slot */
    return key;
}

static bool insert(key_t *keys, size_t slots, key_t key)
{
    size_t at = key.b % slots;
    for (; keys[at].a != 0; at = (at + 1) % slots)
        if (keys[at].a == key.a && keys[at].b == key.b) return false;
    keys[at] = key;
    return true;
}

static void make_room(search_t *s)
{
    if (s->count + 1 >= s->room) {
        s->room = s->room * 2 + 1024;
        s->states = grown(s->states, s->room * sizeof *s->states);
    }
    if (s->used + 2 * sizeof(board_t) > s->store_room) {
        s->store_room = s->store_room * 2 + (1u << 20);
        s->store = grown(s->store, s->store_room);
    }
    if (s->count * 2 < s->slots) return;
    const size_t slots = s->slots * 2 + 4099;
    key_t *const keys = calloc(slots, sizeof *keys);
    if (keys == NULL) exit(2);
    for (size_t i = 0; i < s->slots; i++)
        if (s->keys[i].a != 0) insert(keys, slots, s->keys[i]);
    free(s->keys);
    s->keys = keys;
    s->slots = slots;
}

static void keep(search_t *s, int32_t parent, unsigned letter)
{
    const uint8_t *const now = (const uint8_t *)&board, *const first = (const uint8_t *)&s->first;
    const size_t begin = s->used;
    for (size_t i = 0; i < sizeof board;) {
        if (now[i] == first[i]) {
            i++;
            continue;
        }
        size_t n = 1;
        while (i + n < sizeof board && n < 255 && memcmp(now + i + n, first + i + n, 1) != 0)
            n++;
        const uint8_t head[3] = { (uint8_t)i, (uint8_t)(i >> 8), (uint8_t)n };
        memcpy(s->store + s->used, head, sizeof head);
        memcpy(s->store + s->used + sizeof head, now + i, n);
        s->used += sizeof head + n;
        i += n;
    }
    s->states[s->count++] = (state_t){ begin, parent, (uint16_t)(s->used - begin), (uint8_t)letter };
}

static void restore(const search_t *s, size_t index)
{
    const state_t *const state = &s->states[index];
    const uint8_t *at = s->store + state->at, *const end = at + state->length;
    memcpy(&board, &s->first, sizeof board);
    while (at < end) {
        memcpy((uint8_t *)&board + (at[0] | at[1] << 8), at + 3, at[2]);
        at += 3 + at[2];
    }
}

/* ---- the search ---- */

static void visit(search_t *s, int32_t parent, unsigned letter)
{
    static board_t reduced;
    make_room(s);
    board_reduce(&reduced);
    if (insert(s->keys, s->slots, key_of(&reduced))) keep(s, parent, letter);
}

static void print_letter(unsigned letter)
{
    const char *const text = board_letter(letter);
    printf("#   %.*s\n", (int)strcspn(text, "\r"), text);
}

static void print_word(const search_t *s, size_t index)
{
    if (s->states[index].parent == NOBODY) return;
    print_word(s, (size_t)s->states[index].parent);
    print_letter(s->states[index].letter);
}

static bool expand(search_t *s, size_t index)
{
    for (unsigned letter = 0; letter < board_letters(); letter++) {
        restore(s, index);
        board_step(letter);
        s->transitions++;
        if (board_wrong != NULL) {
            printf("# broken: %s, by this word:\n", board_wrong);
            print_word(s, index);
            print_letter(letter);
            return false;
        }
        visit(s, (int32_t)index, letter);
    }
    return true;
}

static bool search_all(search_t *s, const char *dialect, unsigned depth)
{
    board_begin(dialect);
    if (board_wrong != NULL) {
        printf("# broken at the start: %s\n", board_wrong);
        return false;
    }
    memcpy(&s->first, &board, sizeof board);
    visit(s, NOBODY, 0);
    size_t done = 0;
    for (unsigned level = 0; level < depth; level++)
        for (const size_t end = s->count; done < end; done++)
            if (!expand(s, done)) return false;
    return true;
}

int main(int count, char **words)
{
    static search_t s;
    const bool      planted = count == 4 && strcmp(words[1], "--planted") == 0;
    if (count != 3 && !planted) {
        fprintf(stderr, "usage: search [--planted] DIALECT DEPTH\n");
        return 2;
    }
    const unsigned depth = (unsigned)strtoul(words[count - 1], NULL, 10);
    const bool     good = search_all(&s, words[count - 2], depth);
    printf("1..1\n%s 1 - %s: every word of up to %u of %u letters: %zu states, %llu steps, %.1f s, %zu MB\n",
           good == planted ? "not ok" : "ok", words[count - 2], depth, board_letters(), s.count,
           (unsigned long long)s.transitions, (double)clock() / CLOCKS_PER_SEC,
           (s.used + s.room * sizeof *s.states + s.slots * sizeof *s.keys) >> 20);
    free(s.states);
    free(s.store);
    free(s.keys);
    return good == planted;
}
