// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/panels/setting_fields.h"

#include <QCoreApplication>

#include "ui/models/format.h"

namespace quantscope::ui {
namespace {

QString tr(const char* text) { return QCoreApplication::translate("SettingFields", text); }

std::string head_name(HeadPolicy head) {
  switch (head) {
    case HeadPolicy::keep: return "keep";
    case HeadPolicy::int8: return "int8";
    case HeadPolicy::same: return "same";
  }
  return "keep";
}

/// The option that `set_setting` knows a field by.
std::string option_of(const std::string& field) {
  if (field == "block_size") return "block";
  if (field == "double_quantization") return "double-quant";
  if (field == "kv_type") return "kv";
  return field;
}

}  // namespace

std::string field_value(const Settings& settings, const std::string& field) {
  if (field == "type")  // as stored, the file decides
    return settings.method == Method::as_stored ? std::string() : std::string(data_type_info(settings.type).name);
  if (field == "method") return std::string(method_name(settings.method));
  if (field == "block_size") return settings.block_size ? std::to_string(*settings.block_size) : std::string();
  if (field == "double_quantization") return settings.double_quantization ? "on" : "off";
  if (field == "weight_only_int8") return settings.weight_only_int8 ? "on" : "off";
  if (field == "compute") return settings.compute ? std::string(compute_name(*settings.compute)) : std::string();
  if (field == "kv_type") return settings.kv_type ? std::string(data_type_info(*settings.kv_type).name) : std::string();
  if (field == "head") return head_name(settings.head);
  if (field == "simd") return settings.simd;
  return {};
}

Result<Settings> with_choice(const Settings& settings, const std::string& field, const std::string& value) {
  Settings changed = settings;
  if (field == "type") {
    const auto type = parse_data_type(value);
    if (!type) return fail(ErrorCode::invalid_argument, "There is no data type " + value + ".", field);
    return with_type(settings, *type);
  }
  if (field == "method") {
    const auto method = parse_method(value);
    if (!method) return tl::unexpected(method.error());
    return with_method(settings, *method);
  }
  if (field == "double_quantization") {
    changed.double_quantization = value == "on";
    return changed;
  }
  if (const auto set = set_setting(changed, option_of(field), value); !set) return tl::unexpected(set.error());
  return changed;
}

QString value_label(const std::string& field, const std::string& value) {
  if (field == "type")
    if (const auto type = parse_data_type(value)) return to_qt(data_type_info(*type).label);
  if (field == "method" && value == "none") return tr("plain round to nearest");
  if (field == "method" && value == method_name(Method::as_stored)) return tr("as stored");
  if (field == "head" && value == "keep") return tr("not quantized");
  if (field == "head" && value == "same") return tr("like the linears");
  if (field == "compute" || field == "kv_type" || (field == "head" && value == "int8"))
    return QString::fromStdString(value).toUpper();
  return QString::fromStdString(value);
}

QString outcome_text(const Resolved& resolved) {
  QString text =
      QStringLiteral("<b>%1</b> %2").arg(tr("Will run:"), QString::fromStdString(resolved.summary).toHtmlEscaped());
  if (!resolved.memory_warning.empty())
    text += QStringLiteral("<br><b>%1</b>").arg(QString::fromStdString(resolved.memory_warning).toHtmlEscaped());
  return text;
}

QString reasons_text(const Resolved& resolved) {
  QString items;
  for (const std::string& reason : resolved.reasons)
    items += QStringLiteral("<li>%1</li>").arg(QString::fromStdString(reason).toHtmlEscaped());
  return items.isEmpty() ? QString() : QStringLiteral("<ul style='margin-left:-24px'>%1</ul>").arg(items);
}

QString conflict_text(const Conflict& conflict) {
  QString text =
      QStringLiteral("<b>%1</b> %2").arg(tr("Cannot run:"), QString::fromStdString(conflict.why).toHtmlEscaped());
  if (!conflict.nearest_valid.empty())
    text += u' ' + tr("Nearest that works: %1.").arg(QString::fromStdString(conflict.nearest_valid).toHtmlEscaped());
  return text;
}

}  // namespace quantscope::ui
