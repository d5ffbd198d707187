/* insert.h: what a plain pickle has where joblib wrote the bytes of an array between the opcodes. Private to this folder; no state.
 *
 *     joblib     …placeholder, its attributes, BUILD             [padding] bytes
 *     plain      …placeholder, its attributes, POP, POP, [padding] the array: ndarray.__new__, then BUILD with the bytes
 *
 * For an array of objects: pickle.loads of the bytes. No memo is written, so the numbers of the memo stay what they are; the
 * dtype and the shape come out of it, where joblib's pickler has put them. `pickle.loads` and `joblib.load` both load the plain
 * form. */
#ifndef SOURCE_PICKLE_INSERT_H
#define SOURCE_PICKLE_INSERT_H

#include "machine.h"

#define INSERT_INSTEAD '0' /* POP, in the place of BUILD */
#define INSERT_MAX 64

/* Behind INSERT_INSTEAD and before the bytes, of which there are `bytes`. ERR_SKIP: the memo lacks what is needed. */
bool insert_before(const PickleArray *array, unsigned padding, uint64_t bytes, unsigned char out[INSERT_MAX], size_t *len,
                   Err *err);
/* Where out has the count of the padding, when the array has one; its last 8 bytes are `bytes`. */
#define INSERT_PADDING_AT 2

/* Behind the bytes. */
#define INSERT_AFTER_BYTES 2
const char *insert_after(const PickleArray *array);

/* Behind PROTO, or at the start where there is none: the file itself follows behind the pickle's STOP. NONE POP. */
#define INSERT_ORIGINAL "N0"

#endif
