/* sha256.h: SHA-256 through libcrypto (1.6 GB/s where the CPU has the instructions). A context belongs to one thread at a time. */
#ifndef PORT_SHA256_H
#define PORT_SHA256_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define DIGEST_BYTES 32

typedef struct Digest {
    unsigned char byte[DIGEST_BYTES];
} Digest;

typedef struct Sha256 Sha256;

Sha256 *sha256_new(Err *err); /* ready for sha256_add; NULL and ERR_STOP on failure */
void sha256_free(Sha256 *sha);

bool sha256_reset(Sha256 *sha, Err *err); /* start over */
bool sha256_add(Sha256 *sha, const void *data, size_t len, Err *err);
bool sha256_end(Sha256 *sha, Digest *out, Err *err); /* afterwards only reset, copy-to or free */
bool sha256_copy(Sha256 *to, const Sha256 *from, Err *err); /* `to` continues where `from` stands */

bool sha256_once(const void *data, size_t len, Digest *out, Err *err);

/* Adds a line as sha256sum prints them: `<word>  <path>\n`; a path with a backslash, newline or carriage return is escaped, and the
 * line begins with a backslash then. */
bool sha256_add_line(Sha256 *sha, const char *word, const char *path, Err *err);

/* … with the digest of a file as the word. */
bool sha256_add_sum_line(Sha256 *sha, const Digest *digest, const char *path, Err *err);

bool digest_equal(const Digest *a, const Digest *b);
bool digest_is_known(const Digest *digest); /* all zero stands for a digest that nobody worked out */
void digest_hex(const Digest *digest, char out[2 * DIGEST_BYTES + 1]);
bool digest_parse(const char *hex, Digest *out); /* exactly 64 hex digits */

/* The library behind this and its version. */
void sha256_library(char *out, size_t cap);

#endif
