package androidx.test.runner.lifecycle;

import android.app.Activity;

/** Stands in for the class of this name that Robolectric asks for. */
public interface ActivityLifecycleCallback {
    void onActivityLifecycleChanged(Activity activity, Stage stage);
}
