#include "base/host.h"

#include <unistd.h>

#include "base/text.h"

void host_name(char *out, size_t cap)
{
    if (gethostname(out, cap) != 0 || out[0] == '\0')
        text_copy(out, cap, "unknown");
    out[cap - 1] = '\0'; /* what was cut may lack it */
}
