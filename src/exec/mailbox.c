/* Messages between a rank and its keeper. */
#include "exec/mailbox.h"

#include "base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* Room for one descriptor beside a message. */
union control {
	struct cmsghdr head;
	char room[CMSG_SPACE(sizeof(int))];
};

struct mailbox
mailbox_init(int socket)
{
	return (struct mailbox){.socket = socket};
}

void
mailbox_clear(struct mailbox *mailbox)
{
	for (size_t i = mailbox->first; i < mailbox->count; i++)
		if (mailbox->waiting[i].fd >= 0)
			close(mailbox->waiting[i].fd);
	free(mailbox->waiting);
	close(mailbox->socket);
	*mailbox = (struct mailbox){.socket = -1};
}

void
mailbox_post(struct mailbox *mailbox, const struct keeper_message *message, int fd)
{
	if (mailbox->count == mailbox->room) {
		mailbox->room = mailbox->room ? 2 * mailbox->room : 16;
		mailbox->waiting =
			xrealloc(mailbox->waiting, mailbox->room * sizeof(*mailbox->waiting));
	}
	mailbox->waiting[mailbox->count++] = (struct parcel){.message = *message, .fd = fd};
}

static ssize_t
send_parcel(int socket, struct parcel *parcel)
{
	struct iovec part = {&parcel->message, sizeof(parcel->message)};
	union control control = {0};
	struct msghdr packet = {.msg_iov = &part, .msg_iovlen = 1};
	if (parcel->fd >= 0) {
		packet.msg_control = &control;
		packet.msg_controllen = sizeof(control.room);
		struct cmsghdr *head = CMSG_FIRSTHDR(&packet);
		head->cmsg_level = SOL_SOCKET;
		head->cmsg_type = SCM_RIGHTS;
		head->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(head), &parcel->fd, sizeof(int));
	}
	return sendmsg(socket, &packet, MSG_NOSIGNAL | MSG_DONTWAIT);
}

bool
mailbox_send(struct mailbox *mailbox)
{
	mailbox->no_memory = false;
	while (mailbox_waiting(mailbox)) {
		struct parcel *parcel = &mailbox->waiting[mailbox->first];
		if (send_parcel(mailbox->socket, parcel) < 0) {
			if (errno == EINTR)
				continue;
			/* ETOOMANYREFS: this user has too many descriptors under way. */
			mailbox->no_memory = errno == ETOOMANYREFS || errno == ENOBUFS;
			return mailbox->no_memory || errno == EAGAIN;
		}
		if (parcel->fd >= 0)
			close(parcel->fd);
		mailbox->first++;
	}
	mailbox->first = mailbox->count = 0;
	return true;
}

size_t
mailbox_waiting(const struct mailbox *mailbox)
{
	return mailbox->count - mailbox->first;
}

int
mailbox_receive(struct mailbox *mailbox, struct keeper_message *message, int *fd)
{
	struct iovec part = {message, sizeof(*message)};
	union control control;
	struct msghdr packet = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control.room)};
	ssize_t got;
	do
		got = recvmsg(mailbox->socket, &packet, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	*fd = -1;
	if (got < 0 && errno == EAGAIN)
		return 0;
	if (got != (ssize_t)sizeof(*message))
		return -1;
	struct cmsghdr *head = CMSG_FIRSTHDR(&packet);
	if (head && head->cmsg_type == SCM_RIGHTS)
		memcpy(fd, CMSG_DATA(head), sizeof(int));
	return 1;
}
