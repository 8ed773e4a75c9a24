/* The verbs of the network. net_verbs: addresses, names, clients. peer_verbs: what a peer does and what is checked of it;
 * their line begins with the peer's name, the verb is the second word. A check that fails is an error like any other. */
#ifndef WORLD_NET_WORDS_H
#define WORLD_NET_WORDS_H

#include "net.h"
#include "words.h"

/* Context of both tables. `modem` is looked at, never changed. */
typedef struct {
    net_t          *net;
    const cipmux_t *modem;
    net_peer_t     *peer; /* peer_verbs: the one that the line names */
} net_words_t;

enum { NET_VERBS = 15, PEER_VERBS = 21 };

extern const words_verb_t net_verbs[NET_VERBS];
extern const words_verb_t peer_verbs[PEER_VERBS];

#endif
