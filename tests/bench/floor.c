/* The limit: what a C program on libsrtp pays for a packet when it does nothing but encrypt and
 * send. A frame of nine packets to everyone each 40 ms, AES-128-GCM in place, UDP_SEGMENT.
 * Arguments: address, packets a frame, bytes of a packet, cameras; then a destination port per
 * viewer. Viewers are dealt to cameras in turn, and the cameras' frames are spread over 40 ms. */
#include <arpa/inet.h>
#include <netinet/udp.h>
#include <srtp2/srtp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#define TAG 16
#define MOST 40
#define FRAME_NS 40000000L

static unsigned char template_[MOST * 1500], work[MOST * 1500];

static void wait_until(struct timespec *when, long more) {
    when->tv_nsec += more;
    while (when->tv_nsec >= 1000000000L) {
        when->tv_nsec -= 1000000000L;
        when->tv_sec++;
    }
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, when, NULL);
}

int main(int argc, char **argv) {
    if (argc < 6) return 2;
    int packets = atoi(argv[2]), size = atoi(argv[3]), cameras = atoi(argv[4]);
    int viewers = argc - 5, stride = size + TAG;
    if (packets < 1 || packets > MOST || size < 12 || size > 1400 || cameras < 1) return 2;
    struct sockaddr_in *to = calloc(viewers, sizeof *to);
    srtp_t *keys = calloc(viewers, sizeof *keys);
    srtp_init();
    for (int i = 0; i < viewers; i++) {
        unsigned char key[28];
        srtp_policy_t policy;
        memset(key, i, sizeof key);
        memset(&policy, 0, sizeof policy);
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp);
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtcp);
        policy.ssrc.type = ssrc_any_outbound;
        policy.key = key;
        policy.window_size = 1024;
        if (srtp_create(&keys[i], &policy)) return 3;
        to[i].sin_family = AF_INET;
        to[i].sin_port = htons(atoi(argv[5 + i]));
        inet_pton(AF_INET, argv[1], &to[i].sin_addr);
    }
    int out = socket(AF_INET, SOCK_DGRAM, 0);
    char control[CMSG_SPACE(sizeof(uint16_t))];
    memset(control, 0, sizeof control);
    struct iovec data = {work, (size_t)packets * stride};
    struct msghdr message = {0};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_UDP;
    head->cmsg_type = UDP_SEGMENT;
    head->cmsg_len = CMSG_LEN(sizeof(uint16_t));
    *(uint16_t *)CMSG_DATA(head) = stride;
    struct timespec when;
    clock_gettime(CLOCK_MONOTONIC, &when);
    for (uint32_t frame = 0;; frame++) {
        for (int camera = 0; camera < cameras; camera++) {
            for (int p = 0; p < packets; p++) {
                unsigned char *packet = template_ + p * stride;
                uint16_t number = htons((uint16_t)(frame * packets + p));
                uint32_t stamp = htonl(frame * 3600), source = htonl(1000 + camera);
                memset(packet, p, size);
                packet[0] = 0x80;
                packet[1] = 96 | (p == packets - 1 ? 0x80 : 0);
                memcpy(packet + 2, &number, 2);
                memcpy(packet + 4, &stamp, 4);
                memcpy(packet + 8, &source, 4);
            }
            for (int i = camera; i < viewers; i += cameras) {
                memcpy(work, template_, (size_t)packets * stride);
                for (int p = 0; p < packets; p++) {
                    int length = size;
                    if (srtp_protect(keys[i], work + p * stride, &length)) return 4;
                }
                message.msg_name = &to[i];
                message.msg_namelen = sizeof to[i];
                if (sendmsg(out, &message, 0) < 0) perror("sendmsg");
            }
            wait_until(&when, FRAME_NS / cameras);
        }
    }
}
