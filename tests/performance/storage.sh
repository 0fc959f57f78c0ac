#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# fio on the disk of an NVMe function, in whatever kernel has it; what storage.py measures with.
#
#   storage run BDF OPTION...   the interrupts of its I/O queues meanwhile, then fio's JSON
#   storage noise BDF SECONDS   writes through the page cache; returns when it has begun
#   storage quiet               ends that
set -e
NOISE=/tmp/storage-noise.pid

# await CONDITION: half a minute at most.
await() {
	tries=300
	until eval "$1"; do
		tries=$((tries - 1))
		if [ $tries = 0 ]; then
			echo "storage: in vain waited for: $1" >&2
			exit 1
		fi
		usleep 100000
	done
}

# With multipath, what lies below the controller is nvme0c0n1, and the disk is nvme0n1.
find_disk() {
	place=/sys/bus/pci/devices/$1/nvme
	await "ls -d $place/nvme*/nvme*n* >/dev/null 2>&1"
	controller=$(basename "$place"/nvme*)
	disk=$(basename "$place"/nvme*/nvme*n* | sed 's/c[0-9]*n/n/')
	await "[ -b /dev/$disk ]"
}

# The admin queue (q0) does no I/O.
interrupts() {
	awk -v queue="^${controller}q[1-9]" '
		NR == 1 { cpus = NF }
		$NF ~ queue { for (i = 2; i <= cpus + 1; i++) sum += $i }
		END { print sum + 0 }' /proc/interrupts
}

writes() {
	awk '{ print $5 }' "/sys/block/$disk/stat"
}

case "$1" in
run)
	find_disk "$2"
	result=/tmp/storage-$2.json
	shift 2
	before=$(interrupts)
	fio --name=bench --filename="/dev/$disk" --ioengine=io_uring --direct=1 --thread \
		--norandommap --clocksource=clock_gettime \
		--output-format=json --output="$result" "$@" >&2
	echo "interrupts $(($(interrupts) - before))"
	cat "$result"
	;;
noise)
	find_disk "$2"
	before=$(writes)
	setsid fio --name=noise --filename="/dev/$disk" --ioengine=psync --direct=0 --thread \
		--rw=randwrite --bs=64k --size=256M --numjobs=4 --fsync=64 \
		--time_based --runtime="$3" --clocksource=clock_gettime \
		</dev/null >/dev/null 2>&1 &
	echo $! >$NOISE
	# shellcheck disable=SC2016 # expanded by await
	await '[ "$(writes)" -gt "$before" ]'
	;;
quiet)
	pid=$(cat $NOISE)
	kill "$pid"
	# Ended, even if nobody has collected it yet.
	await "[ ! -e /proc/$pid/exe ]"
	;;
*)
	echo "storage: run, noise or quiet, not '$1'" >&2
	exit 2
	;;
esac
