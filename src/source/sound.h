/* sound.h: is what a file holds a whole model, as far as its first and last bytes tell? Nothing is ever loaded.
 *
 * A format is known by its magic; a file of no known format is believed. Any thread, no shared state. */
#ifndef SOURCE_SOUND_H
#define SOURCE_SOUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* ERR_SKIP, with the path in the text: a pointer of Git LFS or git-annex, a page or an error message that a download left, marks of
 * a merge conflict, macOS's own data, a joblib file whose arrays are in other files. head: the first `len` bytes of `size`; all of
 * them, or 64 KiB at least. */
bool sound_head(const char *path, const void *head, size_t len, uint64_t size, Err *err);

/* ERR_SKIP: the file is cut short. What gzip or zlib compressed is told by decoding it (sound_is_stream). fd: its offset stays. */
bool sound_tail(int fd, const char *path, const void *head, size_t len, uint64_t size, Err *err);

/* Both, of a file that is read for it. False: not whole, or it cannot be read. fd: its offset stays. */
bool sound_file(int fd, const char *path, uint64_t size);

typedef enum SoundStream { SOUND_NO_STREAM, SOUND_GZIP, SOUND_ZLIB } SoundStream;

/* One stream from the first byte on, whose end shows only when it is decoded. */
SoundStream sound_is_stream(const void *head, size_t len);

/* The error of such a stream that has no end; always false. */
bool sound_refuse_stream(const char *path, Err *err);

/* A pointer in the place of a file's content: NULL, or what it is and, in *remedy, how to get the content. */
const char *sound_pointer(const void *head, size_t len, const char **remedy);

#endif
