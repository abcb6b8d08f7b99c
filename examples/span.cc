// SPDX-License-Identifier: MIT
// C++: a file as a std::span of numbers, mapped through the pool; the mapping goes with its owner.
#include <framepool.h>

#include <cstdio>
#include <cstdint>
#include <numeric>
#include <span>
#include <system_error>

class MappedFile {
public:
	explicit MappedFile(const char *path, unsigned flags = 0)
	{
		if (int err = framepool_map_file(path, flags, nullptr, &mapping_))
			throw std::system_error(-err, std::generic_category(), path);
	}
	~MappedFile() { framepool_unmap(&mapping_); }
	MappedFile(const MappedFile &) = delete;
	MappedFile &operator=(const MappedFile &) = delete;

	template <typename T> std::span<const T> as() const
	{
		return { static_cast<const T *>(mapping_.addr), mapping_.length / sizeof(T) };
	}

private:
	framepool_mapping mapping_;
};

int main(int argc, char **argv)
{
	if (argc != 2) {
		std::fprintf(stderr, "usage: span FILE\n");
		return 2;
	}
	try {
		MappedFile file(argv[1]);
		auto numbers = file.as<std::uint32_t>();
		auto sum = std::accumulate(numbers.begin(), numbers.end(), 0ULL);

		std::printf("%zu numbers, sum %llu\n", numbers.size(), sum);
	} catch (const std::system_error &e) {
		std::fprintf(stderr, "span: %s\n", e.what());
		return 1;
	}
	return 0;
}
