// SPDX-License-Identifier: GPL-3.0-or-later
#include "symbols.h"

#include <cxxabi.h>
#include <elf.h>
#include <fmt/format.h>
#include <link.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <memory>

// Set by the linker and the C start-up code. Hidden, because libraries have such symbols too.
extern "C" [[gnu::visibility("hidden")]] std::byte data_start;
extern "C" [[gnu::visibility("hidden")]] std::byte _end;

namespace cuda_on_host {
namespace {
/// What the loader added to the addresses in the file. The program itself is first in the list.
std::uintptr_t load_offset() {
  std::uintptr_t offset = 0;
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* result) {
        *static_cast<std::uintptr_t*>(result) = info->dlpi_addr;
        return 1;
      },
      &offset);
  return offset;
}

template <class T>
std::vector<T> read_section(std::ifstream& file, const Elf64_Shdr& section) {
  std::vector<T> content(section.sh_size / sizeof(T));
  file.seekg(static_cast<std::streamoff>(section.sh_offset));
  file.read(reinterpret_cast<char*>(content.data()), static_cast<std::streamsize>(content.size() * sizeof(T)));
  return file ? content : std::vector<T>{};
}

std::string demangled(std::string_view mangled) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> name(
      abi::__cxa_demangle(std::string(mangled).c_str(), nullptr, nullptr, &status), &std::free);
  return status == 0 ? name.get() : std::string(mangled);
}
}  // namespace

const Symbols& Symbols::of_program() {
  static const Symbols symbols;
  return symbols;
}

Symbols::Symbols() : variables_begin_(&data_start), variables_end_(&_end) {
  std::ifstream file("/proc/self/exe", std::ios::binary);
  Elf64_Ehdr header{};
  file.read(reinterpret_cast<char*>(&header), sizeof header);
  if (!file || header.e_shentsize != sizeof(Elf64_Shdr)) return;
  const auto sections = read_section<Elf64_Shdr>(
      file, {0, 0, 0, 0, header.e_shoff, std::uint64_t{header.e_shnum} * sizeof(Elf64_Shdr), 0, 0, 0, 0});
  const auto table = std::find_if(sections.begin(), sections.end(),
                                  [](const Elf64_Shdr& section) { return section.sh_type == SHT_SYMTAB; });
  if (table == sections.end() || table->sh_link >= sections.size()) return;
  names_ = read_section<char>(file, sections[table->sh_link]);
  const std::uintptr_t offset = load_offset();
  for (const Elf64_Sym& symbol : read_section<Elf64_Sym>(file, *table)) {
    const int type = ELF64_ST_TYPE(symbol.st_info);
    const bool of_interest = type == STT_OBJECT || type == STT_FUNC;
    if (!of_interest || symbol.st_size == 0 || symbol.st_shndx == SHN_UNDEF || symbol.st_name >= names_.size())
      continue;
    sorted_.push_back(
        {reinterpret_cast<const std::byte*>(offset + symbol.st_value), symbol.st_size, names_.data() + symbol.st_name});
  }
  std::sort(sorted_.begin(), sorted_.end(), [](const Symbol& a, const Symbol& b) { return a.address < b.address; });
}

const Symbol* Symbols::at(const void* address) const {
  const auto* const byte = static_cast<const std::byte*>(address);
  const auto after = std::upper_bound(sorted_.begin(), sorted_.end(), byte,
                                      [](const std::byte* a, const Symbol& symbol) { return a < symbol.address; });
  if (after == sorted_.begin()) return nullptr;
  const Symbol& symbol = *std::prev(after);
  return static_cast<std::size_t>(byte - symbol.address) < symbol.bytes ? &symbol : nullptr;
}

std::string readable_name(const void* address) {
  const Symbol* const symbol = Symbols::of_program().at(address);
  return symbol == nullptr ? fmt::format("{}", address) : demangled(symbol->mangled);
}

}  // namespace cuda_on_host
