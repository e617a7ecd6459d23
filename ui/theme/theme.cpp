// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/theme/theme.h"

#include <QApplication>
#include <QStyle>
#include <QStyleFactory>

namespace quantscope::ui {
namespace {

struct Shades {
  QRgb window, base, alternate, text, button, highlight, highlighted_text, link, faint;
};
constexpr Shades light_shades = {0xfff4f5f7, 0xffffffff, 0xfff6f8fa, 0xff1b1f24, 0xffeceef1,
                                 0xff0072b2, 0xffffffff, 0xff0063a3, 0xff8a9099};
constexpr Shades dark_shades = {0xff23262b, 0xff1a1c20, 0xff202329, 0xffe6e8eb, 0xff2f333a,
                                0xff2b7fb8, 0xffffffff, 0xff6cb8e6, 0xff7d848e};

QPalette palette_of(const Shades& shades) {
  QPalette palette(QColor(shades.button), QColor(shades.window));
  const auto set = [&](QPalette::ColorRole role, QRgb color) { palette.setColor(role, QColor(color)); };
  set(QPalette::Window, shades.window);
  set(QPalette::Base, shades.base);
  set(QPalette::AlternateBase, shades.alternate);
  set(QPalette::ToolTipBase, shades.base);
  set(QPalette::ToolTipText, shades.text);
  set(QPalette::WindowText, shades.text);
  set(QPalette::Text, shades.text);
  set(QPalette::ButtonText, shades.text);
  set(QPalette::Highlight, shades.highlight);
  set(QPalette::HighlightedText, shades.highlighted_text);
  set(QPalette::Link, shades.link);
  set(QPalette::PlaceholderText, shades.faint);
  for (const QPalette::ColorRole role : {QPalette::WindowText, QPalette::Text, QPalette::ButtonText})
    palette.setColor(QPalette::Disabled, role, QColor(shades.faint));
  return palette;
}

}  // namespace

QString theme_name(Theme theme) {
  switch (theme) {
    case Theme::light: return QStringLiteral("light");
    case Theme::dark: return QStringLiteral("dark");
    case Theme::system: break;
  }
  return QStringLiteral("system");
}

Theme theme_from_name(const QString& name) {
  if (name == QLatin1String("light")) return Theme::light;
  if (name == QLatin1String("dark")) return Theme::dark;
  return Theme::system;
}

void apply_theme(Theme theme) {
  static const QPalette started_with = QApplication::palette();
  QApplication::setStyle(QStyleFactory::create(QStringLiteral("Fusion")));
  switch (theme) {
    case Theme::light: QApplication::setPalette(palette_of(light_shades)); break;
    case Theme::dark: QApplication::setPalette(palette_of(dark_shades)); break;
    case Theme::system: QApplication::setPalette(palette_of(is_dark(started_with) ? dark_shades : light_shades)); break;
  }
}

QPalette paper_palette() { return palette_of(light_shades); }

bool is_dark(const QPalette& palette) { return palette.color(QPalette::Window).lightness() < 128; }

}  // namespace quantscope::ui
