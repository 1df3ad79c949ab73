/* Handing out tasks, and calling them back. */
#ifndef MASTER_DISPATCH_H
#define MASTER_DISPATCH_H

struct master;

/* Hands out what can be handed out now; where slots idle and there is nothing, calls back what
 * waits elsewhere. */
void master_dispatch(struct master *master);

#endif
