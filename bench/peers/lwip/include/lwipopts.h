/* lwIP, tuned for throughput between two hosts in one process: the raw API without
 * an operating system, no statistics, no assertions, everything from fixed pools, our
 * AVX2 checksum (also riding on the copy into the send queue), scaled windows. */
#ifndef NARU_BENCH_LWIPOPTS_H
#define NARU_BENCH_LWIPOPTS_H

#ifndef LWIP_BENCH_MTU
#define LWIP_BENCH_MTU 1500
#endif

/* The system: none. */
#define NO_SYS 1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_NETCONN 0
#define LWIP_SOCKET 0
#define LWIP_NOASSERT 1
#define LWIP_STATS 0
#define LWIP_TIMERS 1

/* The protocols. */
#define LWIP_IPV4 1
#define LWIP_IPV6 0
#define LWIP_ARP 1
#define LWIP_ETHERNET 1
#define ETH_PAD_SIZE 2
#define ARP_TABLE_SIZE 4
#define ETHARP_TABLE_MATCH_NETIF 1
#define LWIP_NETIF_HWADDRHINT 1
#define LWIP_ICMP 1
#define LWIP_RAW 0
#define LWIP_UDP 0
#define LWIP_DHCP 0
#define LWIP_DNS 0
#define LWIP_IGMP 0
#define LWIP_SINGLE_NETIF 1
#define IP_FORWARD 0
#define IP_FRAG 0
#define IP_REASSEMBLY 0
#define IP_OPTIONS_ALLOWED 0

/* TCP. */
#define LWIP_TCP 1
#define TCP_MSS (LWIP_BENCH_MTU - 40)
#define LWIP_WND_SCALE 1
#define TCP_RCV_SCALE 6
#ifndef LWIP_BENCH_WINDOW
/* The fastest of 32 KiB to 512 KiB: a larger window leaves the second-level cache and
 * makes the lists of segments, which lwIP walks, longer. */
#define LWIP_BENCH_WINDOW (LWIP_BENCH_MTU > 32768 ? 128 * 1024 : 64 * 1024)
#endif
#define TCP_WND LWIP_BENCH_WINDOW
#define TCP_SND_BUF LWIP_BENCH_WINDOW
#define TCP_SND_QUEUELEN 4096
#define TCP_SNDLOWAT (TCP_SND_BUF / 2)
#define TCP_SNDQUEUELOWAT 1024
#define TCP_WND_UPDATE_THRESHOLD (TCP_WND / 4)
#define TCP_OVERSIZE TCP_MSS
#define TCP_QUEUE_OOSEQ 1
#define LWIP_TCP_TIMESTAMPS 0
#define LWIP_TCP_SACK_OUT 0
#define TCP_LISTEN_BACKLOG 0
#define LWIP_DISABLE_TCP_SANITY_CHECKS 1

/* Checksums: made on the copy into the send queue, and all verified; or none at all. */
#ifndef LWIP_BENCH_CHECKSUMS
#define LWIP_BENCH_CHECKSUMS 1
#endif
#define CHECKSUM_GEN_IP LWIP_BENCH_CHECKSUMS
#define CHECKSUM_GEN_TCP LWIP_BENCH_CHECKSUMS
#define CHECKSUM_CHECK_IP LWIP_BENCH_CHECKSUMS
#define CHECKSUM_CHECK_TCP LWIP_BENCH_CHECKSUMS
#define LWIP_CHKSUM naru_bench_checksum
#define LWIP_CHECKSUM_ON_COPY LWIP_BENCH_CHECKSUMS
#define LWIP_CHKSUM_COPY(to, from, length) naru_bench_copy_and_checksum(to, from, length)
#define TCP_CHECKSUM_ON_COPY_SANITY_CHECK 0

/* Memory: pools for everything, a heap made of pools (include/lwippools.h). */
/* A segment may wait unacknowledged on every connection of the widest row. */
#define LWIP_BENCH_SEGMENTS (LWIP_BENCH_MTU > 1500 ? 1024 : 12288)
/* A frame, its pbuf and the space that lwIP's layers keep for headers. */
#define LWIP_BENCH_SEGMENT (LWIP_BENCH_MTU + 128)
#define MEM_ALIGNMENT 16
#define MEM_USE_POOLS 1
#define MEMP_USE_CUSTOM_POOLS 1
#define MEM_USE_POOLS_TRY_BIGGER_POOL 0
#define MEMP_NUM_TCP_PCB 10240
#define MEMP_NUM_TCP_PCB_LISTEN 8
#define MEMP_NUM_TCP_SEG 16384
#define MEMP_NUM_PBUF 1024
#define MEMP_NUM_ARP_QUEUE 8
#define PBUF_POOL_SIZE 2048
#define PBUF_POOL_BUFSIZE LWIP_MEM_ALIGN_SIZE(LWIP_BENCH_MTU + 14 + ETH_PAD_SIZE)
#define PBUF_LINK_ENCAPSULATION_HLEN 0

#endif
