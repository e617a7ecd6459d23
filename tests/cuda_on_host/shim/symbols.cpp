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

namespace cuda_on_host {
namespace {
/// The program or library that this code is part of.
struct Module {
  std::string file;
  std::uintptr_t offset = 0;  ///< what the loader added to the addresses in the file
  std::uintptr_t begin = 0, variables = 0, end = 0;
};

/// Where the segments of a loaded file lie. The loader protects the front of the writable one against writing.
Module module_of(const dl_phdr_info& info) {
  Module module{*info.dlpi_name == '\0' ? "/proc/self/exe" : info.dlpi_name, info.dlpi_addr, UINTPTR_MAX, 0, 0};
  for (int i = 0; i < info.dlpi_phnum; ++i) {
    const ElfW(Phdr)& segment = info.dlpi_phdr[i];
    const std::uintptr_t begin = info.dlpi_addr + segment.p_vaddr;
    if (segment.p_type == PT_GNU_RELRO) module.variables = begin + segment.p_memsz;
    if (segment.p_type != PT_LOAD) continue;
    module.begin = std::min(module.begin, begin);
    module.end = std::max(module.end, begin + segment.p_memsz);
    if ((segment.p_flags & PF_W) != 0 && module.variables < begin) module.variables = begin;
  }
  return module;
}

Module own_module() {
  Module own;
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* result) {
        const Module module = module_of(*info);
        const auto here = reinterpret_cast<std::uintptr_t>(&own_module);
        if (here < module.begin || here >= module.end) return 0;
        *static_cast<Module*>(result) = module;
        return 1;
      },
      &own);
  return own;
}

const std::byte* at_address(std::uintptr_t address) { return reinterpret_cast<const std::byte*>(address); }

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

Symbols::Symbols() {
  const Module module = own_module();
  constants_begin_ = at_address(module.begin);
  variables_begin_ = at_address(module.variables);
  variables_end_ = at_address(module.end);
  std::ifstream file(module.file, std::ios::binary);
  Elf64_Ehdr header{};
  file.read(reinterpret_cast<char*>(&header), sizeof header);
  if (!file || header.e_shentsize != sizeof(Elf64_Shdr)) return;
  const auto sections = read_section<Elf64_Shdr>(
      file, {0, 0, 0, 0, header.e_shoff, std::uint64_t{header.e_shnum} * sizeof(Elf64_Shdr), 0, 0, 0, 0});
  const auto table = std::find_if(sections.begin(), sections.end(),
                                  [](const Elf64_Shdr& section) { return section.sh_type == SHT_SYMTAB; });
  if (table == sections.end() || table->sh_link >= sections.size()) return;
  names_ = read_section<char>(file, sections[table->sh_link]);
  for (const Elf64_Sym& symbol : read_section<Elf64_Sym>(file, *table)) {
    const int type = ELF64_ST_TYPE(symbol.st_info);
    const bool of_interest = type == STT_OBJECT || type == STT_FUNC;
    if (!of_interest || symbol.st_size == 0 || symbol.st_shndx == SHN_UNDEF || symbol.st_name >= names_.size())
      continue;
    sorted_.push_back({at_address(module.offset + symbol.st_value), symbol.st_size, names_.data() + symbol.st_name});
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
