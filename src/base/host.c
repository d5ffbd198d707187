#include "base/host.h"

#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

#include "base/text.h"

void host_name(char *out, size_t cap)
{
    if (gethostname(out, cap) != 0 || out[0] == '\0')
        text_copy(out, cap, "unknown");
    out[cap - 1] = '\0'; /* what was cut may lack it */
}

void host_user(char *out, size_t cap)
{
    struct passwd entry, *found = NULL;
    char strings[1024];
    if (getpwuid_r(geteuid(), &entry, strings, sizeof strings, &found) == 0 && found != NULL)
        text_copy(out, cap, found->pw_name);
    else
        snprintf(out, cap, "uid %ld", (long)geteuid());
}
