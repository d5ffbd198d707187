/* loss.h: what a source has that nobody gets back: get makes files of mode 0644 or 0755, of the user who runs it, and nothing else.
 * No state; any thread. */
#ifndef SOURCE_LOSS_H
#define SOURCE_LOSS_H

#include "base/buf.h"
#include "model/model.h"

/* Appends a list for people, such as "mode 0600, extended attribute user.tag of config.json and 2 more"; nothing when there is no
 * loss, or when the source cannot be looked at. root: the open MODELS_DIR. ERR_STOP without memory. */
bool loss_describe(int root, const Model *model, Buf *out, Err *err);

#endif
