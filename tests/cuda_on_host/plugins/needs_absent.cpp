// SPDX-License-Identifier: GPL-3.0-or-later

/// A plug-in that cannot be opened, because the library it needs is absent.
extern "C" int absent_function();
extern "C" int quantscope_backend_plugin();

int quantscope_backend_plugin() { return absent_function(); }
