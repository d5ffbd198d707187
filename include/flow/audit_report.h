/* audit_report.h: an audit as an inventory, for the writers in report/inventory.h. */
#ifndef FLOW_AUDIT_REPORT_H
#define FLOW_AUDIT_REPORT_H

#include "flow/audit.h"
#include "report/inventory.h"

/* Why a source must stay, or NULL when it may go: same content in the store, proven by the server and by reading it back just now,
 * and the server promises to keep the row. */
const char *audit_must_stay(const AuditItem *item);

/* The strings of *out are borrowed from the audit, the tree and the arguments; free with audit_free_inventory. */
bool audit_inventory(const Audit *audit, const SourceTree *tree, const char *title, bool is_cleanup, const char *store,
                     const char *host, Inventory *out, Err *err);
void audit_free_inventory(Inventory *inventory);

#endif
