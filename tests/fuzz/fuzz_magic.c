/* What the first bytes say: a file that grows never stops being compressed, and nothing behind the length is looked at. */
#include <string.h>

#include "base/magic.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bool before = false;
    size_t most = size < 64 ? size : 64;
    for (size_t len = 0; len <= most; len++) {
        uint8_t *exact = malloc(len + (len == 0));
        fuzz_assert(exact != NULL);
        if (len > 0)
            memcpy(exact, data, len);
        bool compressed = magic_is_compressed(exact, len), pointer = magic_is_lfs_pointer(exact, len);
        fuzz_assert(compressed || !before);
        fuzz_assert(!pointer || (!compressed && memcmp(exact, "version ", 8) == 0));
        before = compressed;
        free(exact);
    }
    fuzz_assert(magic_is_compressed(data, size) == before);
    fuzz_assert(!magic_is_lfs_pointer(data, size) || size < 1024);
    return 0;
}
