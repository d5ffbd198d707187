#include "address.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>

static bool fail_lookup(const PostgresTarget *target, const char *host, int code, Err *err)
{
    if (code == EAI_MEMORY)
        return err_no_memory(err);
    if (code == EAI_SYSTEM)
        return err_set_errno(err, ERR_RETRY, errno, "%s: looking up the host \"%s\"", store_target_label(&target->base), host);
    err_set(err, ERR_RETRY, "%s: no address is known for the host \"%s\": %s", store_target_label(&target->base), host,
            gai_strerror(code));
    return err_hint(err, "check the name of the host, and that this machine can look names up");
}

/* The same address may come twice, from two lines of /etc/hosts. */
static void add_address(PostgresAddresses *out, const struct addrinfo *found)
{
    char *text = out->text[out->count];
    if (getnameinfo(found->ai_addr, found->ai_addrlen, text, sizeof out->text[0], NULL, 0, NI_NUMERICHOST) != 0)
        return;
    for (size_t i = 0; i < out->count; i++)
        if (strcmp(out->text[i], text) == 0)
            return;
    out->count++;
}

bool postgres_addresses(const PostgresTarget *target, size_t index, PostgresAddresses *out, Err *err)
{
    char host[1024], hostaddr[80];
    struct addrinfo wanted = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *found = NULL;
    postgres_item(host, sizeof host, target->host, index);
    postgres_item(hostaddr, sizeof hostaddr, target->hostaddr, index);
    *out = (PostgresAddresses){.count = 1};
    if (hostaddr[0] != '\0' || strchr("/@", host[0]) != NULL) /* also "": libpq's own socket */
        return true;
    int code = getaddrinfo(host, NULL, &wanted, &found);
    if (code != 0)
        return fail_lookup(target, host, code, err);
    out->count = 0;
    for (const struct addrinfo *at = found; at != NULL && out->count < POSTGRES_ADDRESSES_MAX; at = at->ai_next)
        add_address(out, at);
    freeaddrinfo(found);
    return out->count > 0 || fail_lookup(target, host, EAI_NONAME, err);
}
