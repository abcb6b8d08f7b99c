// SPDX-License-Identifier: MIT
// C++ that knows nothing of framepool: a std::span over mmap(2), of a file or of /dev/framepool/NAME.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <numeric>
#include <span>
#include <stdexcept>
#include <string>
#include <system_error>

class Mapped {
public:
	explicit Mapped(const char *path)
	{
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			fail(path);
		// A device has no st_size: ask how far one can seek.
		off_t end = lseek(fd, 0, SEEK_END);
		if (end <= 0) {
			close(fd);
			throw std::runtime_error(std::string(path) + ": empty, or not seekable");
		}
		size_ = static_cast<std::size_t>(end);
		base_ = mmap(nullptr, size_, PROT_READ, MAP_SHARED, fd, 0);
		close(fd);
		if (base_ == MAP_FAILED)
			fail(path);
	}
	~Mapped() { munmap(base_, size_); }
	Mapped(const Mapped &) = delete;
	Mapped &operator=(const Mapped &) = delete;

	template <typename T> std::span<const T> as() const
	{
		return { static_cast<const T *>(base_), size_ / sizeof(T) };
	}

private:
	[[noreturn]] static void fail(const char *path)
	{
		throw std::system_error(errno, std::generic_category(), path);
	}

	void *base_;
	std::size_t size_;
};

int main(int argc, char **argv)
{
	if (argc != 2) {
		std::fprintf(stderr, "usage: plain FILE\n");
		return 2;
	}
	try {
		Mapped file(argv[1]);
		auto numbers = file.as<std::uint32_t>();
		auto sum = std::accumulate(numbers.begin(), numbers.end(), std::uint64_t{ 0 });

		std::printf("%zu numbers, sum %llu\n", numbers.size(),
			    static_cast<unsigned long long>(sum));
	} catch (const std::exception &e) {
		std::fprintf(stderr, "plain: %s\n", e.what());
		return 1;
	}
	return 0;
}
