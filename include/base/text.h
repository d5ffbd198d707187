/* text.h: strings that may be hostile, and numbers as people write them. No state; any thread. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Well-formed UTF-8 by RFC 3629: no overlong form, no surrogate, at most U+10FFFF. */
bool text_utf8_valid(const char *s, size_t len);

/* Characters (code points) of a well-formed UTF-8 string. */
size_t text_utf8_length(const char *s, size_t len);

/* True when a C0 or C1 control character or DEL is inside; `s` is well-formed UTF-8. */
bool text_has_control(const char *s, size_t len);

/* The length of the character at `s` when it turns the direction of writing or breaks the line without being a control (U+061C,
 * U+200E, U+200F, U+2028 to U+202E, U+2066 to U+2069): it could make a name look like another one. Else 0. */
size_t text_deceptive(const char *s, size_t len);

/* Copies `s` so that it is safe on a terminal and in a log: control bytes, DEL, C1 controls, deceptive characters and bytes that
 * are not UTF-8 become `\xHH`. A backslash stays as it is: for reading, not for parsing. Always ends with NUL; cut at `cap` if
 * needed, never inside a character. */
void text_escape(char *out, size_t cap, const char *s, size_t len);

/* Reversible escape for files of our own: `%` and all bytes <= 0x20, 0x7f and >= 0x80 that are not UTF-8 become `%HH`.
 * Needs 3 * len + 1 bytes. Returns the length written. */
size_t text_percent_encode(char *out, const char *s, size_t len);

/* In place; returns the new length, or -1 at a malformed escape or a NUL, encoded or not. */
ptrdiff_t text_percent_decode(char *s, size_t len);

/* strlcpy: always ends with NUL; true when all of `s` fitted. */
bool text_copy(char *out, size_t cap, const char *s);

bool text_starts_with(const char *s, const char *prefix);
bool text_ends_with(const char *s, const char *suffix);

/* Whole string, decimal digits only, min..max. */
bool text_parse_int(const char *s, int64_t min, int64_t max, int64_t *out);

/* Bytes: a decimal number with an optional suffix B, K, M, G, T, KiB, MiB, GiB, TiB (powers of 1024, case ignored), as rclone has
 * it. */
bool text_parse_bytes(const char *s, uint64_t *out);

/* Seconds: a decimal number with an optional suffix ms, s, m, h, d. */
bool text_parse_seconds(const char *s, double *out);

/* "0 B", "12.3 KiB", "1.20 GiB". Returns `out`. */
const char *text_bytes(char out[24], uint64_t bytes);

/* "0.42 s", "12 s", "3 min 05 s", "2 h 10 min". Returns `out`. */
const char *text_seconds(char out[24], double seconds);

/* Lower-case hex of `len` bytes; needs 2 * len + 1 bytes. */
void text_hex(char *out, const void *bytes, size_t len);

/* The reverse: exactly 2 * len hex digits of either case. */
bool text_unhex(void *bytes, size_t len, const char *hex);

#endif
