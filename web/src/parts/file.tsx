/** A file that is read in the browser and sent nowhere. */
import { UploadOutlined } from "@ant-design/icons";
import { Button, Form, Upload } from "antd";
import { useWords } from "../words.ts";

export function FileField({ label, name, onRead, required = false }: { label: string; name: string; onRead: (text: string) => void; required?: boolean }) {
  const { t } = useWords();
  return (
    <Form.Item label={label} required={required} name={`file-${name}`} valuePropName="fileList" getValueFromEvent={(e: { fileList: unknown[] }) => e.fileList} rules={[{ required, message: t("demand") }]}>
      <Upload
        maxCount={1}
        data-testid={name}
        beforeUpload={async (file) => {
          onRead(await file.text());
          return false; // it is read here and sent nowhere
        }}
      >
        <Button icon={<UploadOutlined />}>{t("chooseFile")}</Button>
      </Upload>
    </Form.Item>
  );
}
