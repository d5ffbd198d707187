#include <string.h>

#include "base/text.h"
#include "machine.h"

static int hex_digits(const char *at, const char *end, unsigned count, uint32_t *out)
{
    *out = 0;
    if ((size_t)(end - at) < count)
        return -1;
    for (unsigned i = 0; i < count; i++) {
        const char *digits = "0123456789abcdef", *digit = at[i] != '\0' ? strchr(digits, at[i] | 0x20) : NULL;
        if (digit == NULL || (at[i] | 0x20) == ' ')
            return -1;
        *out = *out << 4 | (uint32_t)(digit - digits);
    }
    return (int)count;
}

static size_t put_utf8(char *to, uint32_t code)
{
    if (code < 0x80) {
        to[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        to[0] = (char)(0xc0 | code >> 6);
        to[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    size_t count = code < 0x10000 ? 3 : 4;
    to[0] = (char)(count == 3 ? 0xe0 | code >> 12 : 0xf0 | (code >> 18 & 7));
    for (size_t i = 1; i < count; i++)
        to[i] = (char)(0x80 | (code >> 6 * (count - 1 - i) & 0x3f));
    return count;
}

/* One escape at `at`, behind its backslash: how many bytes it has, 0 when it is none. *code: what it stands for. */
static size_t take_escape(const char *at, const char *end, bool quoted, uint32_t *code)
{
    static const char letters[] = "\\'\"abfnrtv", meant[] = "\\'\"\a\b\f\n\r\t\v";
    const char *letter = at < end && quoted && *at != '\0' ? strchr(letters, *at) : NULL;
    if (letter != NULL) {
        *code = (unsigned char)meant[letter - letters];
        return 1;
    }
    int digits = at == end                ? -1
                 : *at == 'x' && quoted   ? hex_digits(at + 1, end, 2, code)
                 : *at == 'u' && !quoted  ? hex_digits(at + 1, end, 4, code)
                 : *at == 'U' && !quoted  ? hex_digits(at + 1, end, 8, code)
                                          : -1;
    if (digits > 0)
        return (size_t)digits + 1;
    size_t len = 0;
    for (*code = 0; quoted && len < 3 && at + len < end && at[len] >= '0' && at[len] <= '7'; len++)
        *code = *code << 3 | (uint32_t)(at[len] - '0');
    return len;
}

/* In place: what an escape stands for is never longer than the escape. */
static size_t unescape(char *text, size_t len, bool quoted)
{
    size_t out = 0;
    for (size_t at = 0; at < len;) {
        uint32_t code;
        size_t used = text[at] == '\\' ? take_escape(text + at + 1, text + len, quoted, &code) : 0;
        if (used == 0)
            text[out++] = text[at++];
        else {
            out += put_utf8(text + out, code > 0x10ffff ? 0xfffd : code);
            at += used + 1;
        }
    }
    return out;
}

bool text_of_string(Token *token, Value *out, Values *values, Err *err)
{
    bool quoted = token->opcode == 'S';
    *out = (Value){.kind = VALUE_OTHER};
    if (token->text_len[0] > TOKEN_TEXT_MAX)
        return true;
    char *text = token->text[0];
    size_t len = (size_t)token->text_len[0];
    while (quoted && len > 0 && (text[len - 1] == '\r' || text[len - 1] == ' '))
        len--;
    if (quoted && (len < 2 || text[0] != text[len - 1] || (text[0] != '\'' && text[0] != '"')))
        return err_set(err, ERR_SKIP, "its pickle is damaged: a text without quotes");
    if (quoted) {
        text++;
        len -= 2;
    }
    return values_string(values, text, unescape(text, len, quoted), out, err);
}

bool text_integer(const char *text, size_t len, int64_t *out)
{
    char digits[24];
    if (len > 0 && text[len - 1] == 'L')
        len--;
    if (len == 0 || len >= sizeof digits)
        return false;
    memcpy(digits, text, len);
    digits[len] = '\0';
    return text_parse_int(digits, INT64_MIN, INT64_MAX, out);
}
