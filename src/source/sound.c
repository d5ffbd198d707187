#define _GNU_SOURCE /* memmem, memrchr */
#include "sound.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/fs.h"
#include "base/magic.h"
#include "base/text.h"
#include "pickle_end.h"

#define TEXT_MAX ((size_t)64 * 1024)
#define ZIP_END_MAX ((size_t)65557) /* the record and its longest comment */

static bool begins(const void *head, size_t len, const char *bytes, size_t count)
{
    return len >= count && memcmp(head, bytes, count) == 0;
}

#define BEGINS(head, len, literal) begins((head), (len), (literal), sizeof(literal) - 1)

static bool holds(const void *head, size_t len, const char *word)
{
    return memmem(head, len, word, strlen(word)) != NULL;
}

static bool has_suffix(const char *path, const char *const *suffixes)
{
    size_t len = strlen(path);
    for (; *suffixes != NULL; suffixes++) {
        size_t suffix_len = strlen(*suffixes);
        if (len >= suffix_len && strcasecmp(path + len - suffix_len, *suffixes) == 0)
            return true;
    }
    return false;
}

const char *sound_pointer(const void *head, size_t len, const char **remedy)
{
    *remedy = "fetch the content first: git lfs pull";
    if (magic_is_lfs_pointer(head, len))
        return "a Git LFS pointer";
    *remedy = "fetch the content first: git annex get";
    if (len < 1024 && (BEGINS(head, len, "/annex/objects/") ||
                       (BEGINS(head, len, "../") && holds(head, len, ".git/annex/objects/"))))
        return "a git-annex pointer";
    return NULL;
}

static bool refuse(const char *path, const char *what, const char *remedy, Err *err)
{
    err_set(err, ERR_SKIP, "%s: is %s, not a model", path, what);
    return err_hint(err, "%s", remedy);
}

/* Where a text begins: behind a byte order mark and blanks. */
static const char *text_start(const char *head, size_t *len)
{
    size_t skip = BEGINS(head, *len, "\xef\xbb\xbf") ? 3 : 0;
    while (skip < *len && strchr(" \t\r\n", head[skip]) != NULL && head[skip] != '\0')
        skip++;
    *len -= skip;
    return head + skip;
}

static bool is_json(const char *text, size_t len, uint64_t size)
{
    while (len > 0 && strchr(" \t\r\n", text[len - 1]) != NULL)
        len--;
    return size <= TEXT_MAX && len >= 2 && ((text[0] == '{' && text[len - 1] == '}') || (text[0] == '[' && text[len - 1] == ']')) &&
           memchr(text, '\0', len) == NULL && text_utf8_valid(text, len);
}

/* Formats that are never text: what is text under these names is what a download left. */
static const char *wrong_text(const char *path, const char *head, size_t len, uint64_t size)
{
    static const char *const binary[] = {".joblib", ".pkl", ".pickle", ".sav", ".h5", ".hdf5", ".keras", ".pt", ".pth", ".ckpt",
                                         ".onnx", ".safetensors", ".npz", ".tflite", ".gz", ".bz2", ".xz", ".z", ".zip", NULL};
    static const char *const markup[] = {".pmml", ".xml", ".html", ".mlmodel", NULL};
    const char *text = text_start(head, &len);
    bool html = len >= 9 && (strncasecmp(text, "<!doctype", 9) == 0 || strncasecmp(text, "<html", 5) == 0);
    if (html && !has_suffix(path, markup))
        return "an HTML page";
    if (!has_suffix(path, binary))
        return NULL;
    if (BEGINS(text, len, "<?xml") || BEGINS(text, len, "<Error"))
        return "an XML text";
    return is_json(text, len, size) ? "a JSON text" : NULL;
}

/* From protocol 4 on a pickle names a class in another way. */
static bool is_early_pickle(const unsigned char *head, size_t len)
{
    return len >= 2 && head[0] == 0x80 && head[1] < 4;
}

bool sound_head(const char *path, const void *head, size_t len, uint64_t size, Err *err)
{
    static const char again[] = "it is what a failed download or checkout leaves; fetch it again";
    const char *remedy, *pointer = size == len ? sound_pointer(head, len, &remedy) : NULL;
    if (pointer != NULL)
        return refuse(path, pointer, remedy, err);
    if (size == len && size <= TEXT_MAX && memchr(head, '\0', len) == NULL && holds(head, len, "<<<<<<< ") &&
        holds(head, len, "\n=======\n") && holds(head, len, "\n>>>>>>> "))
        return refuse(path, "a text with the marks of a merge conflict", again, err);
    if (BEGINS(head, len, "\x00\x05\x16\x07\x00\x02\x00\x00"))
        return refuse(path, "data of macOS about another file (AppleDouble)", "remove it", err);
    const char *text = wrong_text(path, head, len, size);
    if (text != NULL)
        return refuse(path, text, again, err);
    if (is_early_pickle(head, len) && holds(head, len < TEXT_MAX ? len : TEXT_MAX, "joblib.numpy_pickle\nNDArrayWrapper\n")) {
        err_set(err, ERR_SKIP, "%s: was written by an old joblib, and its arrays are in files beside it", path);
        return err_hint(err, "it cannot be loaded from its row alone: move them into a folder of their own that is one model, or "
                             "dump it again");
    }
    return true;
}

/* --- the end ----------------------------------------------------------------------------------------------------------------- */

static bool cut(const char *path, const char *what, Err *err)
{
    err_set(err, ERR_SKIP, "%s: is cut short (%s)", path, what);
    return err_hint(err, "its writer or a copy was cut off; copy or train the model again");
}

/* The last `want` bytes, or all; out of `head` when that is the whole file. NULL and *err: no memory, or it cannot be read. */
static unsigned char *read_end(int fd, const char *path, const unsigned char *head, size_t head_len, uint64_t size, size_t want,
                               size_t *len, Err *err)
{
    *len = size < want ? (size_t)size : want;
    unsigned char *end = malloc(*len + 1);
    if (end == NULL) {
        err_no_memory(err);
        return NULL;
    }
    if (head_len == size) {
        memcpy(end, head + size - *len, *len);
        return end;
    }
    ssize_t got = fs_read_at(fd, end, *len, size - *len);
    if (got == (ssize_t)*len)
        return end;
    free(end);
    if (got < 0)
        err_set_errno(err, ERR_SKIP, errno, "%s: cannot be read", path);
    else
        err_set(err, ERR_SKIP, "%s: changed while it was read", path);
    return NULL;
}

/* An xz file ends in YZ, before zeros that fill up to a multiple of four. */
static bool xz_ends(const unsigned char *end, size_t len)
{
    while (len >= 4 && memcmp(end + len - 4, "\0\0\0\0", 4) == 0)
        len -= 4;
    return len >= 2 && end[len - 2] == 'Y' && end[len - 1] == 'Z';
}

/* A bzip2 file ends in 48 bits of magic and 32 of a checksum, and up to 7 bits to fill the byte. */
static bool bzip2_ends(const unsigned char *end, size_t len)
{
    for (unsigned pad = 0; len >= 11 && pad < 8; pad++) {
        uint64_t bits = 0;
        for (size_t i = 0; i < 7; i++) /* 56 bits that begin with the magic, when it begins `pad` bits before a byte */
            bits = bits << 8 | end[len - 11 + i];
        if ((bits >> pad & UINT64_C(0xffffffffffff)) == UINT64_C(0x177245385090))
            return true;
    }
    return false;
}

static uint64_t little_endian(const unsigned char *bytes, size_t count)
{
    uint64_t value = 0;
    for (size_t i = count; i > 0; i--)
        value = value << 8 | bytes[i - 1];
    return value;
}

/* The largest end of a tensor that the header names; the header is JSON that is not parsed for it. */
static uint64_t safetensors_end(const char *header, size_t len)
{
    static const char key[] = "\"data_offsets\"";
    uint64_t most = 0;
    const char *at = header, *end = header + len;
    while ((at = memmem(at, (size_t)(end - at), key, sizeof key - 1)) != NULL) {
        at += sizeof key - 1;
        const char *comma = memchr(at, ',', (size_t)(end - at));
        uint64_t value = 0;
        for (const char *c = comma != NULL ? comma + 1 : end; c < end && *c != ']'; c++)
            if (*c >= '0' && *c <= '9' && value < UINT64_MAX / 16)
                value = value * 10 + (uint64_t)(*c - '0');
        most = value > most ? value : most;
    }
    return most;
}

static bool safetensors_whole(const unsigned char *head, size_t len, uint64_t size)
{
    uint64_t header = len >= 8 ? little_endian(head, 8) : 0;
    if (size < 8 || header > UINT64_MAX / 4 || 8 + header > size)
        return false;
    return 8 + header > len || 8 + header + safetensors_end((const char *)head + 8, (size_t)header) <= size;
}

/* The superblock records where the file ends, at a place for each version: 0, 1, then 2 and 3. Offsets are of 8 bytes as a rule. */
static bool hdf5_whole(const unsigned char *head, size_t len, uint64_t size)
{
    if (len < 64 || (head[8] <= 1 && head[13] != 8) || (head[8] >= 2 && head[9] != 8))
        return true;
    uint64_t end = little_endian(head + (head[8] == 0 ? 40 : head[8] == 1 ? 44 : 28), 8);
    return end <= size || end == UINT64_MAX;
}

/* In STOP, perhaps with a newline behind it. */
static bool pickle_ends(const unsigned char *end, size_t len)
{
    while (len > 1 && (end[len - 1] == '\n' || end[len - 1] == '\r'))
        len--;
    return end[len - 1] == '.';
}

bool sound_tail(int fd, const char *path, const void *head, size_t len, uint64_t size, Err *err)
{
    static const char *const safetensors[] = {".safetensors", NULL};
    const unsigned char *bytes = head;
    bool pickle = len >= 2 && bytes[0] == 0x80 && bytes[1] >= 2 && bytes[1] <= 5, zip = BEGINS(head, len, "PK\3\4");
    bool xz = BEGINS(head, len, "\xfd\x37\x7a\x58\x5a\x00");
    bool bzip2 = len >= 10 && BEGINS(head, len, "BZh") && memcmp(bytes + 4, "1AY&SY", 6) == 0;
    size_t end_len;
    const char *why = NULL;
    if (has_suffix(path, safetensors) && !safetensors_whole(bytes, len, size))
        return cut(path, "its header names more bytes than it has", err);
    if (BEGINS(head, len, "\x89HDF\r\n\x1a\n") && !hdf5_whole(bytes, len, size))
        return cut(path, "its header names more bytes than it has", err);
    if (!pickle && !zip && !xz && !bzip2)
        return true;
    unsigned char *end = read_end(fd, path, bytes, len, size, zip ? ZIP_END_MAX : 64, &end_len, err);
    if (end == NULL)
        return false;
    if (pickle && !pickle_ends(end, end_len) && !pickle_has_end(fd, size))
        why = "its pickle has no end";
    else if (zip && !holds(end, end_len, "PK\5\6"))
        why = "its zip archive has no end";
    else if ((xz && !xz_ends(end, end_len)) || (bzip2 && !bzip2_ends(end, end_len)))
        why = "its compressed data has no end";
    free(end);
    return why == NULL || cut(path, why, err);
}

bool sound_file(int fd, const char *path, uint64_t size)
{
    size_t len = size < TEXT_MAX ? (size_t)size : TEXT_MAX;
    unsigned char *head = malloc(len + 1);
    Err why = {0};
    bool ok = head != NULL && fs_read_at(fd, head, len, 0) == (ssize_t)len && sound_head(path, head, len, size, &why) &&
              sound_tail(fd, path, head, len, size, &why);
    free(head);
    return ok;
}

SoundStream sound_is_stream(const void *head, size_t len)
{
    /* What joblib and zlib write: window of 32 KiB, no dictionary. Fewer bytes may be anything. */
    static const char *const zlib[] = {"\x78\x01", "\x78\x5e", "\x78\x9c", "\x78\xda"};
    if (len >= 18 && BEGINS(head, len, "\x1f\x8b\x08"))
        return SOUND_GZIP;
    for (size_t i = 0; len >= 18 && i < sizeof zlib / sizeof *zlib; i++)
        if (begins(head, len, zlib[i], 2))
            return SOUND_ZLIB;
    return SOUND_NO_STREAM;
}

bool sound_refuse_stream(const char *path, Err *err)
{
    return cut(path, "its compressed data has no end", err);
}
