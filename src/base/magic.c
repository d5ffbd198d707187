#include "base/magic.h"

#include <string.h>

#define LFS_POINTER_MAX 1023 /* bytes: the specification has them shorter than 1024 */

typedef struct Signature {
    const char *bytes;
    size_t len;
} Signature;

/* The published signatures: RFC 1952, bzip2, xz, LZMA alone (its usual properties byte), LZ4 frame, RFC 8878, and joblib's own of
 * before 0.10. */
static const Signature signatures[] = {
    {"\x1f\x8b", 2},         {"BZh", 3},  {"\xfd\x37\x7a\x58\x5a\x00", 6}, {"\x5d\x00\x00", 3}, {"\x04\x22\x4d\x18", 4},
    {"\x28\xb5\x2f\xfd", 4}, {"ZF0x", 4},
};

/* RFC 1950: method 8, window at most 32 KiB, the two bytes a multiple of 31, no preset dictionary. joblib writes 78 xx. */
static bool is_zlib(const unsigned char *head, size_t len)
{
    return len >= 2 && (head[0] & 0x0f) == 8 && head[0] >> 4 <= 7 && (head[0] << 8 | head[1]) % 31 == 0 && (head[1] & 0x20) == 0;
}

bool magic_is_compressed(const void *head, size_t len)
{
    for (size_t i = 0; i < sizeof signatures / sizeof *signatures; i++)
        if (len >= signatures[i].len && memcmp(head, signatures[i].bytes, signatures[i].len) == 0)
            return true;
    return is_zlib(head, len);
}

bool magic_is_lfs_pointer(const void *head, size_t len)
{
    /* The first line of all versions that git-lfs reads. */
    static const char *const starts[] = {"version https://git-lfs.github.com/spec/", "version https://hawser.github.com/spec/",
                                         "version http://git-media.io/v/"};
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
        if (len <= LFS_POINTER_MAX && len >= strlen(starts[i]) && memcmp(head, starts[i], strlen(starts[i])) == 0)
            return true;
    return false;
}
