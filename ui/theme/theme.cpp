// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/theme/theme.h"

#include <QApplication>
#include <QProxyStyle>
#include <QStyleOption>

namespace quantscope::ui {
namespace {

constexpr QRgb dark_outline = 0xffa0a8b2;  // Fusion draws outlines a good deal darker than what it is given

struct Shades {
  QRgb window, base, alternate, text, button, highlight, highlighted_text, link, faint;
};
constexpr Shades light_shades = {0xfff4f5f7, 0xffffffff, 0xfff6f8fa, 0xff1b1f24, 0xffeceef1,
                                 0xff0072b2, 0xffffffff, 0xff0063a3, 0xff8a9099};
constexpr Shades dark_shades = {0xff23262b, 0xff1a1c20, 0xff202329, 0xffe6e8eb, 0xff2f333a,
                                0xff2b7fb8, 0xffffffff, 0xff6cb8e6, 0xff7d848e};

/// Fusion outlines a control in a darker shade of the window, which nobody sees where the window is dark. The icons of
/// its dialog buttons are black in every palette.
class FusionStyle : public QProxyStyle {
 public:
  FusionStyle() : QProxyStyle(QStringLiteral("Fusion")) {}

  void drawPrimitive(PrimitiveElement element, const QStyleOption* option, QPainter* painter,
                     const QWidget* widget) const override {
    const bool outlined = element == PE_IndicatorCheckBox || element == PE_FrameLineEdit ||
                          element == PE_PanelLineEdit || element == PE_Frame || element == PE_IndicatorRadioButton;
    if (!outlined || !is_dark(option->palette)) {
      QProxyStyle::drawPrimitive(element, option, painter, widget);
      return;
    }
    const QPalette before = option->palette;
    auto* lighter = const_cast<QStyleOption*>(option);  // a copy would lose what a derived option says
    lighter->palette.setColor(QPalette::Window, QColor(dark_outline));
    QProxyStyle::drawPrimitive(element, lighter, painter, widget);
    lighter->palette = before;
  }

  int styleHint(StyleHint hint, const QStyleOption* option, const QWidget* widget,
                QStyleHintReturn* result) const override {
    return hint == SH_DialogButtonBox_ButtonsHaveIcons ? 0 : QProxyStyle::styleHint(hint, option, widget, result);
  }
};

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
  QApplication::setStyle(new FusionStyle);
  switch (theme) {
    case Theme::light: QApplication::setPalette(palette_of(light_shades)); break;
    case Theme::dark: QApplication::setPalette(palette_of(dark_shades)); break;
    // NOLINTNEXTLINE(clang-analyzer-cplusplus.NewDeleteLeaks): the application owns the style
    case Theme::system: QApplication::setPalette(palette_of(is_dark(started_with) ? dark_shades : light_shades)); break;
  }
}

QPalette paper_palette() { return palette_of(light_shades); }

bool is_dark(const QPalette& palette) { return palette.color(QPalette::Window).lightness() < 128; }

}  // namespace quantscope::ui
