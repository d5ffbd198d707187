#include "port/sha256.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/text.h"

struct Sha256 {
    EVP_MD_CTX *ctx;
};

/* Fetching walks libcrypto's providers under locks: done once a process, kept until it ends. */
static OSSL_LIB_CTX *library;
static EVP_MD *algorithm;
static pthread_once_t fetched = PTHREAD_ONCE_INIT;

static void fetch(void)
{
    /* A context of our own: where the default one cannot be set up for want of memory, a fetch from it crashes. */
    library = OSSL_LIB_CTX_new();
    if (library != NULL)
        algorithm = EVP_MD_fetch(library, "SHA256", NULL);
}

static bool library_error(Err *err)
{
    return err_set(err, ERR_STOP, "libcrypto cannot compute SHA-256: out of memory, or it was built without");
}

Sha256 *sha256_new(Err *err)
{
    if (pthread_once(&fetched, fetch) != 0 || algorithm == NULL) {
        library_error(err);
        return NULL;
    }
    Sha256 *sha = calloc(1, sizeof *sha);
    if (sha != NULL)
        sha->ctx = EVP_MD_CTX_new();
    if (sha == NULL || sha->ctx == NULL) {
        err_no_memory(err);
    } else if (sha256_reset(sha, err)) {
        return sha;
    }
    sha256_free(sha);
    return NULL;
}

void sha256_free(Sha256 *sha)
{
    if (sha == NULL)
        return;
    EVP_MD_CTX_free(sha->ctx);
    free(sha);
}

bool sha256_reset(Sha256 *sha, Err *err)
{
    return EVP_DigestInit_ex2(sha->ctx, algorithm, NULL) == 1 || library_error(err);
}

bool sha256_add(Sha256 *sha, const void *data, size_t len, Err *err)
{
    return len == 0 || EVP_DigestUpdate(sha->ctx, data, len) == 1 || library_error(err);
}

bool sha256_end(Sha256 *sha, Digest *out, Err *err)
{
    Digest digest;
    unsigned len = 0;
    if (EVP_DigestFinal_ex(sha->ctx, digest.byte, &len) != 1 || len != DIGEST_BYTES)
        return library_error(err);
    *out = digest;
    return true;
}

bool sha256_copy(Sha256 *to, const Sha256 *from, Err *err)
{
    return EVP_MD_CTX_copy_ex(to->ctx, from->ctx) == 1 || library_error(err);
}

bool sha256_once(const void *data, size_t len, Digest *out, Err *err)
{
    Sha256 *sha = sha256_new(err);
    bool ok = sha != NULL && sha256_add(sha, data, len, err) && sha256_end(sha, out, err);
    sha256_free(sha);
    return ok;
}

bool sha256_add_line(Sha256 *sha, const char *word, const char *path, Err *err)
{
    bool escaped = strpbrk(path, "\\\n\r") != NULL;
    if ((escaped && !sha256_add(sha, "\\", 1, err)) || !sha256_add(sha, word, strlen(word), err) || !sha256_add(sha, "  ", 2, err))
        return false;
    for (size_t plain; *path != '\0'; path += plain) {
        plain = strcspn(path, "\\\n\r");
        if (plain > 0) {
            if (!sha256_add(sha, path, plain, err))
                return false;
            continue;
        }
        plain = 1;
        if (!sha256_add(sha, *path == '\\' ? "\\\\" : *path == '\n' ? "\\n" : "\\r", 2, err))
            return false;
    }
    return sha256_add(sha, "\n", 1, err);
}

bool sha256_add_sum_line(Sha256 *sha, const Digest *digest, const char *path, Err *err)
{
    char hex[2 * DIGEST_BYTES + 1];
    digest_hex(digest, hex);
    return sha256_add_line(sha, hex, path, err);
}

bool digest_equal(const Digest *a, const Digest *b)
{
    return memcmp(a->byte, b->byte, DIGEST_BYTES) == 0;
}

bool digest_is_known(const Digest *digest)
{
    static const Digest unknown;
    return !digest_equal(digest, &unknown);
}

void digest_hex(const Digest *digest, char out[2 * DIGEST_BYTES + 1])
{
    text_hex(out, digest->byte, DIGEST_BYTES);
}

bool digest_parse(const char *hex, Digest *out)
{
    Digest digest = {{0}};
    if (strlen(hex) != (size_t)2 * DIGEST_BYTES || !text_unhex(digest.byte, DIGEST_BYTES, hex))
        return false;
    *out = digest;
    return true;
}

void sha256_library(char *out, size_t cap)
{
    snprintf(out, cap, "OpenSSL %s", OpenSSL_version(OPENSSL_VERSION_STRING));
}
