/* GNU parallel's --joblog: Seq, Host, Starttime, JobRuntime, Send, Receive, Exitval, Signal,
 * Command. */
#ifndef RUN_JOBLOG_H
#define RUN_JOBLOG_H

struct buf;
struct record;

/* Appends the line that names the columns. */
void joblog_header(struct buf *buf);

/* Appends the line of an attempt. Host is ":" for no other machine in GNU parallel; here it is the
 * host's name. */
void joblog_append(struct buf *buf, const struct record *record);

#endif
