// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <memory>

#include "core/experiment/tensor_preview.h"
#include "ui/pages/page.h"

class QCheckBox;
class QLineEdit;
class QTableView;

namespace quantscope::ui {

class Previews;
class Session;
class TensorsModel;
class TensorsOrder;

/// How are the weights distributed, and where do the levels fall?
class WeightsPage : public Page {
  Q_OBJECT

 public:
  WeightsPage(Session& session, Previews& previews, QWidget* parent = nullptr);

  TensorsModel* tensors() const { return model_; }
  QTableView* table() const { return table_; }
  void select_tensor(const QString& name);
  /// The selected tensor's, however far the page is zoomed in; empty while there is none.
  ChartData whole_histogram() const;

 protected:
  bool eventFilter(QObject* watched, QEvent* event) override;

 private:
  void build_table();
  void on_checkpoint();
  void request_preview();
  void on_preview(const QString& tensor, const std::shared_ptr<const TensorPreview>& preview);
  void rebin(double low, double high);
  ChartData histogram(std::pair<double, double> range) const;
  void draw(std::pair<double, double> range, bool keep_view);
  void save_table();

  Session& session_;
  Previews& previews_;
  TensorsModel* model_;
  TensorsOrder* order_;
  QTableView* table_;
  QLineEdit* filter_;
  QCheckBox* logarithmic_;
  QString tensor_;
  std::shared_ptr<const TensorPreview> preview_;
};

}  // namespace quantscope::ui
