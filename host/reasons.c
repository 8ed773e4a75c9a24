/* The texts of reasons.h, and which errno is which reason. */
#include "reasons.h"

#include <errno.h>

typedef struct {
    const char *id, *sentence, *cure;
} reason_text_t;

static const reason_text_t reasons[HOST_REASON_COUNT] = {
#define X(name, id, sentence, cure) [HOST_REASON_##name] = { id, sentence, cure },
    HOST_REASONS(X)
#undef X
};

static const struct {
    int           error;
    host_reason_t reason;
} errors[] = {
    { ECONNREFUSED, HOST_REASON_CONNECTION_REFUSED },
    { ECONNRESET, HOST_REASON_CONNECTION_RESET },
    { ECONNABORTED, HOST_REASON_CONNECTION_RESET },
    { EPIPE, HOST_REASON_CONNECTION_RESET },
    { ETIMEDOUT, HOST_REASON_NO_ANSWER },
    { EHOSTUNREACH, HOST_REASON_NO_ROUTE },
    { ENETUNREACH, HOST_REASON_NO_ROUTE },
    { EHOSTDOWN, HOST_REASON_NO_ROUTE },
    { ENETDOWN, HOST_REASON_NO_ROUTE },
    { EADDRINUSE, HOST_REASON_PORT_IN_USE },
    { EADDRNOTAVAIL, HOST_REASON_PORT_FORBIDDEN },
    { EACCES, HOST_REASON_PORT_FORBIDDEN },
    { EPERM, HOST_REASON_PORT_FORBIDDEN },
    { EMFILE, HOST_REASON_NO_DESCRIPTORS },
    { ENFILE, HOST_REASON_NO_DESCRIPTORS },
    { ENOBUFS, HOST_REASON_NO_MEMORY },
    { ENOMEM, HOST_REASON_NO_MEMORY },
};

const char *host_reason_id(host_reason_t reason)
{
    return reason < HOST_REASON_COUNT ? reasons[reason].id : NULL;
}

const char *host_reason_sentence(host_reason_t reason)
{
    return reason < HOST_REASON_COUNT ? reasons[reason].sentence : NULL;
}

const char *host_reason_cure(host_reason_t reason)
{
    return reason < HOST_REASON_COUNT ? reasons[reason].cure : NULL;
}

host_reason_t host_reason_of_errno(int error)
{
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        if (errors[i].error == error) return errors[i].reason;
    return HOST_REASON_NO_ROUTE;
}
