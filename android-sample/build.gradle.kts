// The app for phones. Never run in this repository's tests, which have no Android SDK: pom.xml compiles the same sources.
// A debug build needs the native library with feature `simulator`, a release build the library without it.

plugins {
    id("com.android.application") version "8.13.0"
    id("org.jetbrains.kotlin.android") version "2.4.20"
    id("com.android.library") version "8.13.0" apply false
}

android {
    namespace = "org.kazasu.sample"
    compileSdk = 36
    defaultConfig {
        applicationId = "org.kazasu.sample"
        minSdk = 26
        targetSdk = 34
        versionCode = 1
        versionName = "0.1.0"
    }
    buildTypes {
        release {
            isMinifyEnabled = true
            proguardFiles(getDefaultProguardFile("proguard-android-optimize.txt"))
        }
    }
}

kotlin {
    jvmToolchain(17)
}

dependencies {
    implementation(project(":kazasu"))
}
